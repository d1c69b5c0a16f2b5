//! Facts: the JSON that an event carries. Owns their form and their limit; knows no
//! provider's fields.

use crate::limits::FACTS_BYTES_MAX;
use serde::Serialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Facts as the contract carries them.
pub fn facts<T: Serialize>(facts: &T) -> String {
    // A derived `Serialize` with string keys never fails. Any other failure stays
    // visible in the event.
    serde_json::to_string(facts).unwrap_or_else(|error| {
        serde_json::json!({ "unserializable": error.to_string() }).to_string()
    })
}

/// Facts that fit the contract's limit, [`FACTS_BYTES_MAX`], for any payload.
///
/// A provider limits each text and list where it reads it, so the payloads of a real
/// service stay far below. JSON's escapes can multiply a hostile text by six, and the
/// steps deal with that.
pub trait Bounded: Serialize + Sized + 'static {
    /// Each step drops some facts, the least needed first.
    const STEPS: &'static [fn(&mut Self)] = &[];

    /// Records that facts were dropped.
    fn mark(&mut self) {}

    /// The facts as one JSON object within the limit. Applies as many steps as needed.
    fn into_json(mut self) -> String {
        let mut steps = Self::STEPS.iter();
        loop {
            let json = facts(&self);
            let step = match steps.next() {
                Some(step) if json.len() > FACTS_BYTES_MAX => step,
                _ => return json,
            };
            self.mark();
            step(&mut self);
        }
    }
}

/// A type that a field of [`#[facts]`](macro@crate::facts) can have. A type of a
/// provider's own needs an empty `impl`, unless one of its values means "absent".
pub trait Field {
    /// True if the field is left out of the JSON.
    fn is_absent(&self) -> bool {
        false
    }
}

impl<T> Field for Option<T> {
    fn is_absent(&self) -> bool {
        self.is_none()
    }
}

impl<T> Field for Vec<T> {
    fn is_absent(&self) -> bool {
        self.is_empty()
    }
}

impl<V> Field for BTreeMap<String, V> {
    fn is_absent(&self) -> bool {
        self.is_empty()
    }
}

impl Field for Map<String, Value> {
    fn is_absent(&self) -> bool {
        self.is_empty()
    }
}

impl Field for bool {
    fn is_absent(&self) -> bool {
        !self
    }
}

impl Field for String {}
impl Field for usize {}

/// A section, or `None` if the payload filled in nothing.
pub fn known<T: Default + PartialEq>(section: T) -> Option<T> {
    (section != T::default()).then_some(section)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[crate::facts]
    struct Loaf {
        name: String,
        weight: Option<i64>,
        #[serde(rename = "type")]
        kind: Option<String>,
        grains: Vec<String>,
        notes: Map<String, Value>,
        tags: BTreeMap<String, String>,
        sliced: bool,
        count: usize,
    }

    impl Bounded for Loaf {
        const STEPS: &'static [fn(&mut Self)] =
            &[|loaf| loaf.grains.clear(), |loaf| loaf.kind = None];

        fn mark(&mut self) {
            self.sliced = true;
        }
    }

    #[test]
    fn absent_and_empty_fields_are_not_written_and_read_back_as_defaults() {
        let json = facts(&Loaf::default());
        assert_eq!(json, r#"{"name":"","count":0}"#);
        assert_eq!(serde_json::from_str::<Loaf>("{}").unwrap(), Loaf::default());
        let loaf = Loaf {
            weight: Some(0),
            kind: Some(String::new()),
            grains: vec!["rye".into()],
            tags: [("a".into(), "b".into())].into(),
            sliced: true,
            ..Loaf::default()
        };
        let json = facts(&loaf);
        assert_eq!(
            json,
            r#"{"name":"","weight":0,"type":"","grains":["rye"],"tags":{"a":"b"},"sliced":true,"count":0}"#
        );
        assert_eq!(serde_json::from_str::<Loaf>(&json).unwrap(), loaf);
    }

    #[test]
    fn steps_apply_until_the_facts_fit() {
        let control = "\u{1}".repeat(40_000);
        let loaf = Loaf {
            kind: Some("rye".into()),
            grains: vec![control.clone(), control],
            ..Loaf::default()
        };
        assert_eq!(
            loaf.into_json(),
            r#"{"name":"","type":"rye","sliced":true,"count":0}"#
        );
    }

    #[test]
    fn a_section_without_a_single_fact_is_none() {
        assert_eq!(known(Loaf::default()), None);
        let loaf = Loaf {
            count: 1,
            ..Loaf::default()
        };
        assert!(known(loaf).is_some());
    }
}
