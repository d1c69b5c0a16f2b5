//! Readers beside the strict ones: what is merely nice to have is left out when it
//! is missing or of another type. All of them have limits.

use super::Payload;
use crate::facts::shorten;
use crate::limits::{LIST_ITEMS_MAX, NAME_BYTES_MAX, PROSE_BYTES_MAX, TIME_US_MAX, URL_BYTES_MAX};
use serde_json::Value;

/// Readers that never fail. Not for what a filter decides on: it would silently
/// decide on nothing.
pub trait Lenient<'a> {
    /// The text at `pointer` as it stands, unless it is empty.
    fn raw(&self, pointer: &str) -> Option<&'a str>;
    /// The text at `pointer`, cut to [`NAME_BYTES_MAX`].
    fn name(&self, pointer: &str) -> Option<String>;
    /// The text at `pointer`, cut to [`PROSE_BYTES_MAX`].
    fn prose(&self, pointer: &str) -> Option<String>;
    /// The whole number at `pointer`.
    fn number(&self, pointer: &str) -> Option<i64>;
    /// The boolean at `pointer`.
    fn flag(&self, pointer: &str) -> Option<bool>;
    /// The link at `pointer`, if a browser opens it.
    fn link(&self, pointer: &str) -> Option<String>;
    /// `field` of each item of the array at `pointer` (`field` empty: the items
    /// themselves), as [`Lenient::name`].
    fn names(&self, pointer: &str, field: &str) -> Vec<String>;
    /// The first of `pointers` at which a time stands that an event may have, in
    /// microseconds.
    fn moment(&self, pointers: &[&str]) -> Option<u64>;
}

impl<'a> Lenient<'a> for Payload<'a> {
    fn raw(&self, pointer: &str) -> Option<&'a str> {
        let text = self.value_at(pointer)?.as_str();
        text.filter(|text| !text.is_empty())
    }

    fn name(&self, pointer: &str) -> Option<String> {
        self.raw(pointer).map(|text| shorten(text, NAME_BYTES_MAX))
    }

    fn prose(&self, pointer: &str) -> Option<String> {
        self.raw(pointer).map(|text| shorten(text, PROSE_BYTES_MAX))
    }

    fn number(&self, pointer: &str) -> Option<i64> {
        self.value_at(pointer)?.as_i64()
    }

    fn flag(&self, pointer: &str) -> Option<bool> {
        self.value_at(pointer)?.as_bool()
    }

    fn link(&self, pointer: &str) -> Option<String> {
        let link = self.raw(pointer)?;
        let opens = link.starts_with("https://") || link.starts_with("http://");
        (opens && link.len() <= URL_BYTES_MAX).then(|| link.to_owned())
    }

    fn names(&self, pointer: &str, field: &str) -> Vec<String> {
        let items = self.value_at(pointer).and_then(Value::as_array);
        items
            .into_iter()
            .flatten()
            .filter_map(|item| item.pointer(field)?.as_str())
            .take(LIST_ITEMS_MAX)
            .map(|text| shorten(text, NAME_BYTES_MAX))
            .collect()
    }

    fn moment(&self, pointers: &[&str]) -> Option<u64> {
        let mut times = pointers
            .iter()
            .filter_map(|pointer| self.time_opt(pointer).ok()?);
        times.find(|time| *time < TIME_US_MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_of_another_type_is_left_out() {
        let value =
            serde_json::json!({"a": 1, "b": "x", "t": u64::MAX, "l": [{"n": "y"}, {"n": 1}, 2]});
        let payload = Payload::new(&value);
        assert_eq!(payload.name("/a"), None);
        assert_eq!(payload.number("/b"), None);
        assert_eq!(payload.link("/b"), None);
        assert_eq!(payload.names("/l", "/n"), ["y"]);
        assert_eq!(payload.names("/a", ""), [""; 0]);
        assert_eq!(payload.moment(&["/b", "/t", "/a"]), Some(1_000_000));
    }
}
