//! Readers for values that filters decide on. A missing value is no fact. A value of another
//! type is an error, because a filter would silently decide on nothing.

use crate::facts::Account;
use crate::git::branch_of;
use crate::outline::Outline;
use triggerhouse_sdk::limits::{LIST_ITEMS_MAX, NAME_BYTES_MAX};
use triggerhouse_sdk::prelude::*;

/// The account at `pointer`. `null` is a deleted account.
pub fn account(payload: &Payload<'_>, pointer: &str) -> Result<Option<Account>, ReadError> {
    let Some(account) = payload.object_opt(pointer)? else {
        return Ok(None);
    };
    let login = account.short_text("/login")?;
    Ok((!login.is_empty()).then(|| Account {
        login,
        kind: account.name("/type"),
    }))
}

/// The branch at `pointer`: a full reference or a bare name.
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

/// The names of the labels at `pointer`. GitHub documents labels as objects, plain texts and
/// `null`.
pub fn labels(payload: &Payload<'_>, pointer: &str) -> Result<Vec<String>, ReadError> {
    let labels = payload.items(pointer)?;
    let labels = labels.iter().filter(|label| !label.value().is_null());
    let names = labels.map(|label| {
        let is_name = label.value().is_string();
        label.short_text(if is_name { "" } else { "/name" })
    });
    names.take(LIST_ITEMS_MAX).collect()
}

/// The numbers of the pull requests at `pointer`. No filter decides on them.
pub fn pull_requests(payload: &Payload<'_>, pointer: &str) -> Vec<i64> {
    let requests = payload.objects(pointer);
    let numbers = requests.filter_map(|request| request.number("/number"));
    numbers.take(LIST_ITEMS_MAX).collect()
}
