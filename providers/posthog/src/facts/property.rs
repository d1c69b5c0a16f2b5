//! Looks up one property by the name or pointer in a configuration.

use super::Facts;
use serde_json::Value;
use std::borrow::Cow;

/// Properties that are never kept: the key that writes events into the project, and a link to
/// an alert's picture that needs no login.
pub(crate) const CREDENTIALS: [&str; 2] = ["token", "chart_image_url"];

/// The result of a look-up.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Found<'a> {
    /// The event has it, with this value, which is not `null`.
    Value(&'a Value),
    /// The event does not have it.
    Missing,
    /// The event has it, but its value was not kept.
    Omitted,
    /// The event may have it, but the facts do not say, because some were not kept.
    Unknown,
}

impl Facts {
    /// The property of this name or, if `key` starts with `/`, at this JSON Pointer
    /// (RFC 6901) into the properties.
    pub fn property(&self, key: &str) -> Found<'_> {
        let (name, rest) = first_step(key);
        let found = self.properties.get(name.as_ref());
        let found = found.and_then(|value| value.pointer(rest));
        if let Some(value) = found.filter(|value| !value.is_null()) {
            return Found::Value(value);
        }
        let is_omitted = self
            .properties_omitted
            .iter()
            .any(|omitted| *omitted == name);
        match (is_omitted, rest) {
            (true, "") => Found::Omitted,
            (true, _) => Found::Unknown,
            (false, _) if self.reduced && !self.properties.contains_key(name.as_ref()) => {
                Found::Unknown
            }
            (false, _) => Found::Missing,
        }
    }
}

/// Splits a key into the property's name and the pointer within its value.
pub(crate) fn first_step(key: &str) -> (Cow<'_, str>, &str) {
    let Some(pointer) = key.strip_prefix('/') else {
        return (Cow::Borrowed(key), "");
    };
    let end = pointer.find('/').unwrap_or(pointer.len());
    let (name, rest) = pointer.split_at(end);
    if !name.contains('~') {
        return (Cow::Borrowed(name), rest);
    }
    (Cow::Owned(name.replace("~1", "/").replace("~0", "~")), rest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn facts(properties: Value) -> Facts {
        Facts {
            properties: properties.as_object().cloned().unwrap(),
            ..Facts::default()
        }
    }

    #[test]
    fn a_key_is_a_name_or_after_a_slash_a_pointer() {
        let facts = facts(json!({
            "a.b": 1, "$set": {"plan": "pro", "x/y": [4, 5]}, "/odd": 2, "m~n": 3, "": 6, "n": null
        }));
        let value = |key: &str| match facts.property(key) {
            Found::Value(value) => value.clone(),
            other => json!(format!("{other:?}")),
        };
        assert_eq!(value("a.b"), 1);
        assert_eq!(value("/$set/plan"), "pro");
        assert_eq!(value("/$set/x~1y/1"), 5);
        assert_eq!(value("/~1odd"), 2);
        assert_eq!(value("/m~0n"), 3);
        assert_eq!(value("/"), 6);
        for missing in ["a", "/odd", "$set.plan", "/$set/x~1y/2", "/a.b/c", "n"] {
            assert_eq!(facts.property(missing), Found::Missing, "{missing}");
        }
    }

    #[test]
    fn a_property_that_was_not_kept_is_not_missing() {
        let mut facts = facts(json!({"a": {"b": 1}}));
        facts.properties_omitted = vec!["large".into()];
        assert_eq!(facts.property("large"), Found::Omitted);
        assert_eq!(facts.property("/large"), Found::Omitted);
        assert_eq!(facts.property("/large/inner"), Found::Unknown);
        assert_eq!(facts.property("other"), Found::Missing);
        facts.reduced = true;
        assert_eq!(facts.property("other"), Found::Unknown);
        // Its parent was kept whole.
        assert_eq!(facts.property("/a/c"), Found::Missing);
    }
}
