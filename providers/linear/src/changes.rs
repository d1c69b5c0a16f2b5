//! The changes of an update: `updatedFrom` holds the previous values by key.

use serde_json::{Map, Value};
use triggerhouse_sdk::limits::{LIST_ITEMS_MAX, NAME_BYTES_MAX};
use triggerhouse_sdk::prelude::*;

/// Bytes kept of all previous values.
const PREVIOUS_BYTES_MAX: usize = 32_768;

/// The keys that changed. A key that was unset and still is did not change: payloads of 2021
/// list every unset key with `null`.
///
/// # Errors
/// If `updatedFrom` is not an object, because the field `changed` decides on it.
pub fn changed(payload: &Payload<'_>) -> Result<Vec<String>, ReadError> {
    let Some(previous) = payload.object_opt("/updatedFrom")? else {
        return Ok(Vec::new());
    };
    let entity = payload.value_at("/data").and_then(Value::as_object);
    let keys = previous.value().as_object().into_iter().flatten();
    let keys = keys.filter(|(key, value)| !value.is_null() || is_set(entity, key));
    Ok(keys
        .take(LIST_ITEMS_MAX)
        .map(|(key, _)| shorten(key, NAME_BYTES_MAX))
        .collect())
}

fn is_set(entity: Option<&Map<String, Value>>, key: &str) -> bool {
    // Without an entity to compare with, Linear's list counts.
    entity.is_none_or(|entity| entity.get(key).is_some_and(|value| !value.is_null()))
}

/// The small previous values: ids, names, numbers and lists of ids. No filter decides on
/// them.
pub fn previous(payload: &Payload<'_>) -> Map<String, Value> {
    let values = payload.value_at("/updatedFrom").and_then(Value::as_object);
    let mut bytes_left = PREVIOUS_BYTES_MAX;
    let mut kept = Map::new();
    for (key, value) in values.into_iter().flatten().take(LIST_ITEMS_MAX) {
        let Some(value) = small(value) else { continue };
        let bytes = key.len().saturating_add(bytes_of(&value));
        if key.len() <= NAME_BYTES_MAX && bytes <= bytes_left {
            bytes_left -= bytes;
            kept.insert(key.clone(), value);
        }
    }
    kept
}

fn small(value: &Value) -> Option<Value> {
    match value {
        // Facts do not distinguish absent and `null`, and `changed` names the key.
        Value::Null | Value::Object(_) => None,
        Value::Bool(_) | Value::Number(_) => Some(value.clone()),
        Value::String(text) => Some(shorten(text, NAME_BYTES_MAX).into()),
        Value::Array(items) => {
            let texts = items.iter().map(Value::as_str).take(LIST_ITEMS_MAX);
            let texts: Option<Vec<&str>> = texts.collect();
            let texts = texts?.into_iter();
            Some(texts.map(|text| shorten(text, NAME_BYTES_MAX)).collect())
        }
    }
}

/// Approximately the bytes of the JSON.
fn bytes_of(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len() + 2,
        Value::Array(items) => items.iter().map(bytes_of).sum::<usize>() + 2,
        _ => 24,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn keys(payload: Value) -> Vec<String> {
        changed(&Payload::new(&payload)).unwrap()
    }

    #[test]
    fn a_key_that_was_unset_and_still_is_did_not_change() {
        let payload = json!({
            "data": {"cycleId": "c", "stateId": "s", "estimate": null},
            "updatedFrom": {"cycleId": null, "stateId": "t", "estimate": null, "dueDate": null}
        });
        assert_eq!(keys(payload), ["cycleId", "stateId"]);
    }

    #[test]
    fn a_value_that_was_removed_is_a_change() {
        let payload = json!({"data": {"id": "1"}, "updatedFrom": {"assigneeId": "u"}});
        assert_eq!(keys(payload), ["assigneeId"]);
        assert_eq!(keys(json!({"data": {}})), [""; 0]);
    }

    #[test]
    fn previous_values_are_small_and_few() {
        let mut from = json!({
            "stateId": "s", "priority": 2, "labelIds": ["a", "b"], "trashed": false,
            "dueDate": null, "metadata": {"secret": 1}, "mixed": ["a", 1],
            "description": "é".repeat(9_000)
        });
        let kept = previous(&Payload::new(&json!({ "updatedFrom": from })));
        let keys: Vec<_> = kept.keys().map(String::as_str).collect();
        assert_eq!(
            keys,
            ["description", "labelIds", "priority", "stateId", "trashed"]
        );
        assert!(kept["description"].as_str().unwrap().len() <= NAME_BYTES_MAX);
        for n in 0..500 {
            from[format!("key{n}")] = json!("x".repeat(1_000));
        }
        let kept = previous(&Payload::new(&json!({ "updatedFrom": from })));
        assert!(serde_json::to_string(&kept).unwrap().len() <= PREVIOUS_BYTES_MAX + 4_096);
    }
}
