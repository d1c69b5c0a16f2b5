//! Readers of what filters decide on. A missing value is no fact; a value of
//! another type is an error, because a filter would silently decide on nothing.

use crate::facts::Account;
use crate::outline::Outline;
use crate::read::{LIST_ITEMS_MAX, Lenient, NAME_BYTES_MAX, branch_of};
use serde_json::Value;
use triggerhouse_sdk::prelude::*;

/// A short text, if there is one.
pub fn name_opt(payload: &Payload<'_>, pointer: &str) -> Result<Option<String>, ReadError> {
    let text = payload.text_opt(pointer)?.filter(|text| !text.is_empty());
    Ok(text.map(|text| shorten(text, NAME_BYTES_MAX)))
}

/// A short text.
pub fn name(payload: &Payload<'_>, pointer: &str) -> Result<String, ReadError> {
    payload
        .text(pointer)
        .map(|text| shorten(text, NAME_BYTES_MAX))
}

/// The account at `pointer`. `null` is an account that was deleted.
pub fn account(payload: &Payload<'_>, pointer: &str) -> Result<Option<Account>, ReadError> {
    if let Some(account) = payload.object_opt(pointer)? {
        account.text("/login")?;
    }
    Ok(payload.account(pointer))
}

/// The branch named at `pointer`, as a full reference or by itself.
pub fn branch(
    payload: &Payload<'_>,
    pointer: &str,
    outline: &mut Outline,
) -> Result<(), ReadError> {
    if let Some(branch) = payload.text_opt(pointer)?.and_then(branch_of) {
        outline.facts.branches.push(shorten(branch, NAME_BYTES_MAX));
    }
    Ok(())
}

/// The names of the labels at `pointer`. GitHub documents them as objects, as
/// plain texts and as `null`.
pub fn labels(payload: &Payload<'_>, pointer: &str) -> Result<Vec<String>, ReadError> {
    let labels = payload.items(pointer)?;
    let labels = labels.iter().filter(|label| !label.value().is_null());
    let names = labels.map(|label| {
        name(
            label,
            if label.value().is_string() {
                ""
            } else {
                "/name"
            },
        )
    });
    names.take(LIST_ITEMS_MAX).collect()
}

/// The numbers of the pull requests at `pointer`; nothing is decided on them.
pub fn pull_requests(payload: &Payload<'_>, pointer: &str) -> Vec<i64> {
    let items = payload
        .at(pointer)
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    let numbers = items.filter_map(|item| item.get("number")?.as_i64());
    numbers.take(LIST_ITEMS_MAX).collect()
}
