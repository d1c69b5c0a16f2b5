//! Readers for values that are optional extras: a missing value and a value of another
//! type both read as nothing. All of them limit what they return.

use super::Payload;
use crate::limits::{LIST_ITEMS_MAX, NAME_BYTES_MAX, PROSE_BYTES_MAX, TIME_US_MAX, URL_BYTES_MAX};
use crate::text::shorten;
use serde_json::Value;

/// Readers that never fail. Read with the strict ones what a filter decides on: a
/// lenient reader would let the filter decide on nothing, silently.
pub trait Lenient<'a> {
    /// The whole text at `pointer`, unless it is empty.
    fn raw(&self, pointer: &str) -> Option<&'a str>;
    /// The text at `pointer`, cut to [`NAME_BYTES_MAX`].
    fn name(&self, pointer: &str) -> Option<String>;
    /// The text at `pointer`, cut to [`PROSE_BYTES_MAX`].
    fn prose(&self, pointer: &str) -> Option<String>;
    /// The text or whole number at `pointer`, as text cut to [`NAME_BYTES_MAX`].
    fn ident(&self, pointer: &str) -> Option<String>;
    /// The whole number at `pointer`.
    fn number(&self, pointer: &str) -> Option<i64>;
    /// The boolean at `pointer`.
    fn flag(&self, pointer: &str) -> Option<bool>;
    /// The link at `pointer`, if a browser opens it.
    fn link(&self, pointer: &str) -> Option<String>;
    /// `field` of each item of the array at `pointer` (`field` empty: the items
    /// themselves), as [`Lenient::name`].
    fn names(&self, pointer: &str, field: &str) -> Vec<String>;
    /// The objects in the array at `pointer`, without a path; other items are skipped.
    fn objects(&self, pointer: &str) -> impl DoubleEndedIterator<Item = Payload<'a>>;
    /// The time at the first of `pointers` that has one within an event's limits, in
    /// microseconds since 1970.
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

    fn ident(&self, pointer: &str) -> Option<String> {
        self.short_id_opt(pointer).ok().flatten()
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

    fn objects(&self, pointer: &str) -> impl DoubleEndedIterator<Item = Payload<'a>> {
        let items = self.value_at(pointer).and_then(Value::as_array);
        let items = items.map(Vec::as_slice).unwrap_or_default().iter();
        items.filter(|item| item.is_object()).map(Payload::new)
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
    fn a_value_of_another_type_reads_as_nothing() {
        let value =
            serde_json::json!({"a": 1, "b": "x", "t": u64::MAX, "l": [{"n": "y"}, {"n": 1}, 2]});
        let payload = Payload::new(&value);
        assert_eq!(payload.name("/a"), None);
        assert_eq!(payload.number("/b"), None);
        assert_eq!(payload.link("/b"), None);
        assert_eq!(payload.names("/l", "/n"), ["y"]);
        assert_eq!(payload.names("/a", ""), [""; 0]);
        assert_eq!(payload.moment(&["/b", "/t", "/a"]), Some(1_000_000));
        let numbers = payload.objects("/l").filter_map(|item| item.number("/n"));
        assert_eq!(numbers.collect::<Vec<_>>(), [1]);
        assert_eq!(payload.objects("/b").count(), 0);
    }

    #[test]
    fn an_id_is_text_or_a_whole_number() {
        let value =
            serde_json::json!({"a": 7, "b": "x", "c": 1.5, "d": "", "e": "é".repeat(9_000)});
        let ident = |pointer| Payload::new(&value).ident(pointer);
        assert_eq!(ident("/a").as_deref(), Some("7"));
        assert_eq!(ident("/b").as_deref(), Some("x"));
        assert_eq!((ident("/c"), ident("/d"), ident("/z")), (None, None, None));
        assert!(ident("/e").is_some_and(|id| id.len() <= NAME_BYTES_MAX));
    }
}
