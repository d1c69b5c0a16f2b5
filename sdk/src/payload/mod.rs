//! Typed readers over a JSON payload. Each error names the JSON Pointer, the expected type
//! and the type found, so the text of a dead letter explains it.

mod error;
mod lenient;
mod look_up;

pub use error::ReadError;
pub use lenient::Lenient;

use crate::limits::NAME_BYTES_MAX;
use crate::text::shorten;
use look_up::look_up;
use serde_json::Value;
use std::borrow::Cow;

/// A value within a payload, and its path from the root.
#[derive(Clone, Debug)]
pub struct Payload<'a> {
    value: &'a Value,
    path: Cow<'a, str>,
}

impl<'a> Payload<'a> {
    /// The root of a payload.
    pub fn new(value: &'a Value) -> Self {
        Self {
            value,
            path: Cow::Borrowed(""),
        }
    }

    /// The JSON value itself.
    pub fn value(&self) -> &'a Value {
        self.value
    }

    /// The JSON value at `pointer`. `null` counts as missing.
    pub fn value_at(&self, pointer: &str) -> Option<&'a Value> {
        self.find(pointer)
    }

    /// True if `pointer` leads to a value other than `null`.
    pub fn has(&self, pointer: &str) -> bool {
        self.find(pointer).is_some()
    }

    /// The string at `pointer`.
    ///
    /// # Errors
    /// If it is missing, `null` or of another type. The same holds for every reader
    /// without `_opt`.
    pub fn text(&self, pointer: &str) -> Result<&'a str, ReadError> {
        self.required(pointer, "a string", self.text_opt(pointer)?)
    }

    /// The string at `pointer`; missing and `null` are `None`.
    ///
    /// # Errors
    /// If it is of another type. The same holds for every reader with `_opt`.
    pub fn text_opt(&self, pointer: &str) -> Result<Option<&'a str>, ReadError> {
        self.read(pointer, "a string", Value::as_str)
    }

    /// The string at `pointer`, cut to [`NAME_BYTES_MAX`].
    ///
    /// # Errors
    /// See [`Self::text`].
    pub fn short_text(&self, pointer: &str) -> Result<String, ReadError> {
        self.text(pointer).map(|text| shorten(text, NAME_BYTES_MAX))
    }

    /// The string at `pointer`, cut to [`NAME_BYTES_MAX`]. An empty string is `None`.
    ///
    /// # Errors
    /// See [`Self::text_opt`].
    pub fn short_text_opt(&self, pointer: &str) -> Result<Option<String>, ReadError> {
        let text = self.text_opt(pointer)?.filter(|text| !text.is_empty());
        Ok(text.map(|text| shorten(text, NAME_BYTES_MAX)))
    }

    /// The whole number at `pointer`.
    ///
    /// # Errors
    /// See [`Self::text`].
    pub fn integer(&self, pointer: &str) -> Result<i64, ReadError> {
        self.required(pointer, "a whole number", self.integer_opt(pointer)?)
    }

    /// The whole number at `pointer`; missing and `null` are `None`.
    ///
    /// # Errors
    /// See [`Self::text_opt`].
    pub fn integer_opt(&self, pointer: &str) -> Result<Option<i64>, ReadError> {
        self.read(pointer, "a whole number", Value::as_i64)
    }

    /// The boolean at `pointer`; missing and `null` are `None`.
    ///
    /// # Errors
    /// See [`Self::text_opt`].
    pub fn boolean_opt(&self, pointer: &str) -> Result<Option<bool>, ReadError> {
        self.read(pointer, "a boolean", Value::as_bool)
    }

    /// The id at `pointer`, as text: services write ids as strings or as whole numbers.
    ///
    /// # Errors
    /// See [`Self::text`].
    pub fn id(&self, pointer: &str) -> Result<String, ReadError> {
        self.required(pointer, "a string or whole number", self.id_opt(pointer)?)
    }

    /// The id at `pointer`, as text; missing and `null` are `None`.
    ///
    /// # Errors
    /// See [`Self::text_opt`].
    pub fn id_opt(&self, pointer: &str) -> Result<Option<String>, ReadError> {
        self.read(pointer, "a string or whole number", |value| match value {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) if number.is_i64() || number.is_u64() => Some(number.to_string()),
            _ => None,
        })
    }

    /// The id at `pointer`, as text cut to [`NAME_BYTES_MAX`].
    ///
    /// # Errors
    /// See [`Self::text`].
    pub fn short_id(&self, pointer: &str) -> Result<String, ReadError> {
        self.id(pointer).map(|id| shorten(&id, NAME_BYTES_MAX))
    }

    /// The id at `pointer`, as text cut to [`NAME_BYTES_MAX`]. An empty string is `None`.
    ///
    /// # Errors
    /// See [`Self::text_opt`].
    pub fn short_id_opt(&self, pointer: &str) -> Result<Option<String>, ReadError> {
        let id = self.id_opt(pointer)?.filter(|id| !id.is_empty());
        Ok(id.map(|id| shorten(&id, NAME_BYTES_MAX)))
    }

    /// The time at `pointer` in microseconds since 1970: RFC 3339 text, or a whole number
    /// of seconds.
    ///
    /// # Errors
    /// See [`Self::text_opt`].
    pub fn time_opt(&self, pointer: &str) -> Result<Option<u64>, ReadError> {
        self.read(
            pointer,
            "an RFC 3339 time or a number of seconds",
            |value| match value {
                Value::String(text) => {
                    let time: jiff::Timestamp = text.parse().ok()?;
                    u64::try_from(time.as_microsecond()).ok()
                }
                Value::Number(number) => number.as_u64()?.checked_mul(1_000_000),
                _ => None,
            },
        )
    }

    /// The object at `pointer`.
    ///
    /// # Errors
    /// See [`Self::text`].
    pub fn object(&self, pointer: &str) -> Result<Payload<'a>, ReadError> {
        self.required(pointer, "an object", self.object_opt(pointer)?)
    }

    /// The object at `pointer`; missing and `null` are `None`.
    ///
    /// # Errors
    /// See [`Self::text_opt`].
    pub fn object_opt(&self, pointer: &str) -> Result<Option<Payload<'a>>, ReadError> {
        let value = self.read(pointer, "an object", |value| {
            value.is_object().then_some(value)
        })?;
        Ok(value.map(|value| Payload {
            value,
            path: Cow::Owned(self.pointer(pointer)),
        }))
    }

    /// The items of the array at `pointer`, without a path; none if it is missing. Suits
    /// long lists whose items are read leniently.
    ///
    /// # Errors
    /// See [`Self::text_opt`].
    pub fn array(&self, pointer: &str) -> Result<&'a [Value], ReadError> {
        let items = self.read(pointer, "an array", Value::as_array)?;
        Ok(items.map(Vec::as_slice).unwrap_or_default())
    }

    /// The items of the array at `pointer`; none if it is missing.
    ///
    /// # Errors
    /// See [`Self::text_opt`].
    pub fn items(&self, pointer: &str) -> Result<Vec<Payload<'a>>, ReadError> {
        Ok(self
            .array(pointer)?
            .iter()
            .enumerate()
            .map(|(index, value)| Payload {
                value,
                path: Cow::Owned(format!("{}/{index}", self.pointer(pointer))),
            })
            .collect())
    }

    /// The string at `field` of each item of the array at `pointer`
    /// (`field` empty: the items themselves); none if the array is missing.
    ///
    /// # Errors
    /// If the array or a string in it is something else.
    pub fn texts(&self, pointer: &str, field: &str) -> Result<Vec<String>, ReadError> {
        self.items(pointer)?
            .iter()
            .map(|item| item.text(field).map(str::to_owned))
            .collect()
    }

    fn find(&self, pointer: &str) -> Option<&'a Value> {
        look_up(self.value, pointer).filter(|value| !value.is_null())
    }

    fn read<T>(
        &self,
        pointer: &str,
        expected: &'static str,
        convert: impl FnOnce(&'a Value) -> Option<T>,
    ) -> Result<Option<T>, ReadError> {
        let Some(value) = self.find(pointer) else {
            return Ok(None);
        };
        match convert(value) {
            Some(converted) => Ok(Some(converted)),
            None => Err(self.error(pointer, expected)),
        }
    }

    fn required<T>(
        &self,
        pointer: &str,
        expected: &'static str,
        found: Option<T>,
    ) -> Result<T, ReadError> {
        found.ok_or_else(|| self.error(pointer, expected))
    }

    fn error(&self, pointer: &str, expected: &'static str) -> ReadError {
        let found = match self.value.pointer(pointer) {
            None => "nothing",
            Some(Value::Null) => "null",
            Some(Value::Bool(_)) => "a boolean",
            Some(Value::Number(number)) if number.is_f64() => "a number with a fraction",
            Some(Value::Number(_)) => "a number",
            Some(Value::String(_)) => "a string",
            Some(Value::Array(_)) => "an array",
            Some(Value::Object(_)) => "an object",
        };
        ReadError {
            pointer: self.pointer(pointer),
            expected,
            found,
        }
    }

    fn pointer(&self, pointer: &str) -> String {
        format!("{}{pointer}", self.path)
    }
}

#[cfg(test)]
mod tests;
