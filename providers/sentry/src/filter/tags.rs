//! The `tags` field: alternatives of one key, all keys together.

use std::collections::BTreeMap;
use triggerhouse_sdk::checks::{Check, list};

/// Refuses an entry that no tag could satisfy: Sentry knows neither tags without a key
/// nor tags without a value.
pub fn valid(entries: &[String]) -> Check {
    for entry in entries {
        let (key, value) = split(entry);
        if key.is_empty() || value == Some("") {
            return Err(format!("tags: `{entry}`: expected `key=value` or `key`"));
        }
    }
    Ok(())
}

/// Whether each key that is asked for has one of the values asked for.
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

/// A key has no `=`, a value may.
fn split(entry: &str) -> (&str, Option<&str>) {
    match entry.split_once('=') {
        Some((key, value)) => (key, Some(value)),
        None => (entry, None),
    }
}
