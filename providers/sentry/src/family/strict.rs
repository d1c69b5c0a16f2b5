//! Readers for values that filters decide on. A missing value is no fact. A value of another
//! type is an error, because a filter would silently decide on nothing.

use crate::facts::{Assignee, Project};
use std::collections::BTreeMap;
use triggerhouse_sdk::prelude::*;

/// Tags of an event kept in the facts. Sentry's own SDKs add about twenty.
const TAGS_MAX: usize = 200;
/// The prefix that Sentry's store puts before its own tags. Only the older plugin sends it.
const OWN_TAG: &str = "sentry:";

/// The project at `pointer`.
pub fn project(payload: &Payload<'_>, pointer: &str) -> Result<Option<Project>, ReadError> {
    let Some(entity) = payload.object_opt(pointer)? else {
        return Ok(None);
    };
    Ok(Some(Project {
        id: entity.short_id_opt("/id")?,
        slug: entity.short_text_opt("/slug")?,
        name: entity.name("/name"),
    }))
}

/// The user or team at `pointer`.
pub fn assignee(payload: &Payload<'_>, pointer: &str) -> Result<Option<Assignee>, ReadError> {
    let Some(entity) = payload.object_opt(pointer)? else {
        return Ok(None);
    };
    Ok(Some(Assignee {
        kind: entity.name("/type"),
        id: entity.short_id_opt("/id")?,
        name: entity.short_text_opt("/name")?,
        slug: None,
        email: entity.short_text_opt("/email")?,
    }))
}

/// The first `limit` texts of the array at `pointer`, without empty ones.
pub fn names(payload: &Payload<'_>, pointer: &str, limit: usize) -> Result<Vec<String>, ReadError> {
    let items = payload.items(pointer)?;
    let names = items.iter().map(|item| item.short_text_opt(""));
    names.filter_map(Result::transpose).take(limit).collect()
}

/// The tags at `pointer`: pairs `[key, value]`, as webhooks send them, or objects
/// `{key, value}`, as Sentry's API sends them. A tag without a value is skipped, and the first
/// tag of a key counts.
pub fn tags(payload: &Payload<'_>, pointer: &str) -> Result<BTreeMap<String, String>, ReadError> {
    let mut tags = BTreeMap::new();
    for item in payload.items(pointer)?.iter().take(TAGS_MAX) {
        if item.value().is_null() {
            continue;
        }
        let (key, value) = if item.value().is_object() {
            ("/key", "/value")
        } else {
            item.array("")?;
            ("/0", "/1")
        };
        let (key, value) = (item.short_text_opt(key)?, item.short_text_opt(value)?);
        if let (Some(key), Some(value)) = (key, value) {
            let key = key.strip_prefix(OWN_TAG).unwrap_or(&key).to_owned();
            tags.entry(key).or_insert(value);
        }
    }
    Ok(tags)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn read(value: &Value) -> Result<Vec<(String, String)>, String> {
        let tags = tags(&Payload::new(value), "/tags");
        tags.map(|tags| tags.into_iter().collect())
            .map_err(|error| error.to_string())
    }

    fn pair(key: &str, value: &str) -> (String, String) {
        (key.into(), value.into())
    }

    #[test]
    fn tags_are_pairs_or_objects() {
        let value = json!({"tags": [
            ["b", "2"], {"key": "a", "value": "1"}, null, ["c", null], [null, "x"], [], ["b", "3"],
            ["sentry:release", "r"], {"key": "d"}, ["", "x"]
        ]});
        let expected = [pair("a", "1"), pair("b", "2"), pair("release", "r")];
        assert_eq!(read(&value), Ok(expected.to_vec()));
        assert_eq!(read(&json!({})), Ok(vec![]));
        assert_eq!(read(&json!({"tags": null})), Ok(vec![]));
    }

    #[test]
    fn a_tag_of_another_type_is_malformed() {
        for (tags, expected) in [
            (
                json!({"a": "1"}),
                "/tags: expected an array, found an object",
            ),
            (json!(["a"]), "/tags/0: expected an array, found a string"),
            (
                json!([["a", 1]]),
                "/tags/0/1: expected a string, found a number",
            ),
            (
                json!([[1, "a"]]),
                "/tags/0/0: expected a string, found a number",
            ),
            (
                json!([{"key": "a", "value": true}]),
                "/tags/0/value: expected a string, found a boolean",
            ),
        ] {
            assert_eq!(read(&json!({"tags": tags})), Err(expected.into()));
        }
    }
}
