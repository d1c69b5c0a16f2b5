//! The field `tags`. Entries of one key are alternatives, and every key must match.

use std::collections::BTreeMap;
use triggerhouse_sdk::checks::{Check, list};

/// Refuses an entry that no tag could match: Sentry has no tags without a key or value.
pub fn valid(entries: &[String]) -> Check {
    for entry in entries {
        let (key, value) = split(entry);
        if key.is_empty() || value == Some("") {
            return Err(format!("tags: `{entry}`: expected `key=value` or `key`"));
        }
    }
    Ok(())
}

/// Passes if each wanted key has one of its wanted values.
pub fn check(entries: &[String], tags: &BTreeMap<String, String>) -> Check {
    for entry in entries {
        let (key, _) = split(entry);
        let Some(found) = tags.get(key) else {
            return Err(format!("tags: the event has no `{key}`"));
        };
        let satisfied = |wanted: &str| match split(wanted) {
            (wanted, None) => wanted == key,
            (wanted, Some(value)) => wanted == key && value == found,
        };
        if !entries.iter().any(|wanted| satisfied(wanted)) {
            return Err(format!(
                "tags: {key}={found} does not match {}",
                list(entries)
            ));
        }
    }
    Ok(())
}

/// Splits at the first `=`, because only a value can contain one.
fn split(entry: &str) -> (&str, Option<&str>) {
    match entry.split_once('=') {
        Some((key, value)) => (key, Some(value)),
        None => (entry, None),
    }
}
