//! Properties, as many as fit. PostHog's customers choose them, so each has a limit, and so
//! do all together. A property beyond a limit is left out and never cut: half a value could
//! match where the whole value does not.

use super::property::CREDENTIALS;
use serde_json::{Map, Value};
use std::io;
use triggerhouse_sdk::limits::LIST_ITEMS_MAX;

/// Bytes of a property's name. PostHog's own names have at most 200 characters.
const NAME_BYTES_MAX: usize = 512;
/// Bytes of the JSON of one property.
const VALUE_BYTES_MAX: usize = 32_768;

/// The properties that fit, and the names of the others.
#[derive(Debug, Default, PartialEq)]
pub struct Bag {
    /// The properties that fit, without `null` and without credentials.
    pub kept: Map<String, Value>,
    /// The names of the properties that do not fit.
    pub omitted: Vec<String>,
    /// True if `omitted` is incomplete.
    pub more_omitted: bool,
}

impl Bag {
    /// The properties of an object, within `bytes_max` bytes of JSON. Empty for any other
    /// value.
    pub fn of(object: Option<&Value>, bytes_max: usize) -> Self {
        let properties = object.and_then(Value::as_object);
        properties.map_or_else(Self::default, |properties| {
            Self::keep(properties, bytes_max)
        })
    }

    fn keep(properties: &Map<String, Value>, bytes_max: usize) -> Self {
        let mut bag = Self::default();
        let mut left = bytes_max;
        for (name, value) in properties {
            if value.is_null() || CREDENTIALS.contains(&name.as_str()) {
                continue;
            }
            let limit = VALUE_BYTES_MAX.min(left);
            let fits = name.len() <= NAME_BYTES_MAX;
            match fits.then(|| entry_bytes(name, value, limit)).flatten() {
                Some(bytes) => {
                    left -= bytes;
                    bag.kept.insert(name.clone(), value.clone());
                }
                None if fits && bag.omitted.len() < LIST_ITEMS_MAX => {
                    bag.omitted.push(name.clone());
                }
                None => bag.more_omitted = true,
            }
        }
        bag
    }
}

/// The bytes of `"name":value,`, or `None` if they exceed `limit`.
fn entry_bytes(name: &str, value: &Value, limit: usize) -> Option<usize> {
    let mut counter = Counter { left: limit };
    serde_json::to_writer(&mut counter, name).ok()?;
    serde_json::to_writer(&mut counter, value).ok()?;
    io::Write::write_all(&mut counter, b":,").ok()?;
    Some(limit - counter.left)
}

/// A writer that counts bytes and keeps none, so that an enormous value costs no memory, and no
/// more time than its limit.
struct Counter {
    left: usize,
}

impl io::Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.left.checked_sub(bytes.len()) {
            Some(left) => {
                self.left = left;
                Ok(bytes.len())
            }
            None => Err(io::ErrorKind::FileTooLarge.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn keep(properties: &Value, bytes_max: usize) -> Bag {
        Bag::keep(properties.as_object().unwrap(), bytes_max)
    }

    #[test]
    fn a_property_that_does_not_fit_is_named_and_the_rest_is_kept() {
        let properties = json!({"a": 1, "b": "x".repeat(40_000), "c": null, "d": ["y"]});
        let bag = keep(&properties, 100_000);
        assert_eq!(Value::Object(bag.kept), json!({"a": 1, "d": ["y"]}));
        assert_eq!(bag.omitted, ["b"]);
        assert!(!bag.more_omitted);
    }

    #[test]
    fn the_limit_applies_to_the_json_and_not_to_the_text() {
        let properties = json!({"a": "\u{1}".repeat(100)});
        assert_eq!(keep(&properties, 600).omitted, ["a"]);
        let bag = keep(&properties, 607);
        assert!(bag.omitted.is_empty());
        assert_eq!(Value::Object(bag.kept).to_string().len(), 608);
    }

    #[test]
    fn an_incomplete_list_of_omitted_names_says_so() {
        assert!(keep(&json!({"x".repeat(513): 1}), 10_000).more_omitted);
        let many: Map<String, Value> = (0..200).map(|i| (format!("p{i}"), json!(i))).collect();
        let bag = Bag::keep(&many, 0);
        assert_eq!(bag.omitted.len(), LIST_ITEMS_MAX);
        assert!(bag.more_omitted && bag.kept.is_empty());
    }

    #[test]
    fn credentials_are_neither_kept_nor_named() {
        let properties = json!({"token": "phc_x", "chart_image_url": "https://x/?token=y"});
        assert_eq!(keep(&properties, 10_000), Bag::default());
    }
}
