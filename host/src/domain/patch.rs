//! A partial update of a value that may be absent.

use serde::{Deserialize, Deserializer};

/// A change to an optional value.
///
/// As a JSON field with `#[serde(default)]`: an absent field keeps the value, `null`
/// clears it, anything else sets it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Patch<T> {
    /// The value stays as it is.
    #[default]
    Keep,
    /// The value is removed.
    Clear,
    /// The value is replaced, or added where there was none.
    Set(T),
}

impl<T> Patch<T> {
    /// True if nothing changes.
    pub fn is_keep(&self) -> bool {
        matches!(self, Self::Keep)
    }

    /// The new value; none for [`Patch::Keep`] and [`Patch::Clear`].
    pub fn value(self) -> Option<T> {
        match self {
            Self::Set(value) => Some(value),
            Self::Keep | Self::Clear => None,
        }
    }

    /// Borrows the new value.
    pub fn as_ref(&self) -> Patch<&T> {
        match self {
            Self::Keep => Patch::Keep,
            Self::Clear => Patch::Clear,
            Self::Set(value) => Patch::Set(value),
        }
    }

    /// Converts the new value.
    pub fn map<U>(self, convert: impl FnOnce(T) -> U) -> Patch<U> {
        match self {
            Self::Keep => Patch::Keep,
            Self::Clear => Patch::Clear,
            Self::Set(value) => Patch::Set(convert(value)),
        }
    }
}

impl<T> From<Option<T>> for Patch<T> {
    /// `None` clears: the value was given, and it is null.
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Clear, Self::Set)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Patch<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Option::deserialize(deserializer).map(Self::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    struct Body {
        #[serde(default)]
        link: Patch<u8>,
    }

    #[test]
    fn an_absent_field_keeps_null_clears_and_a_value_sets() {
        let read = |json: &str| serde_json::from_str::<Body>(json).map(|body| body.link);
        assert_eq!(read("{}").unwrap(), Patch::Keep);
        assert_eq!(read(r#"{"link": null}"#).unwrap(), Patch::Clear);
        assert_eq!(read(r#"{"link": 7}"#).unwrap(), Patch::Set(7));
        assert!(read(r#"{"link": "7"}"#).is_err());
    }
}
