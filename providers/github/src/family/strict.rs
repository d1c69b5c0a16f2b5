//! Readers of what filters decide on. A missing value is no fact; a value of
//! another type is an error, because a filter would silently decide on nothing.

use crate::facts::Account;
use crate::git::branch_of;
use crate::outline::Outline;
use serde_json::Value;
use triggerhouse_sdk::limits::{LIST_ITEMS_MAX, NAME_BYTES_MAX};
use triggerhouse_sdk::prelude::*;

/// The account at `pointer`. `null` is an account that was deleted.
pub fn account(payload: &Payload<'_>, pointer: &str) -> Result<Option<Account>, ReadError> {
    let Some(account) = payload.object_opt(pointer)? else {
        return Ok(None);
    };
    account.text("/login")?;
    let login = account.name("/login");
    Ok(login.map(|login| Account {
        login,
        kind: account.name("/type"),
    }))
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
        let pointer = if label.value().is_string() {
            ""
        } else {
            "/name"
        };
        label.short_text(pointer)
    });
    names.take(LIST_ITEMS_MAX).collect()
}

/// The numbers of the pull requests at `pointer`; nothing is decided on them.
pub fn pull_requests(payload: &Payload<'_>, pointer: &str) -> Vec<i64> {
    let items = payload
        .value_at(pointer)
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    let numbers = items.filter_map(|item| item.get("number")?.as_i64());
    numbers.take(LIST_ITEMS_MAX).collect()
}
