//! Values of bodies that know their bounds: the check and the OpenAPI schema use the same.
//!
//! Owns: names, references, reasons, comments, secrets, and the macro for bounded numbers.
//! Never does: fail while reading a value out of bounds. The check reports it, together with
//! all other errors of the body.

use super::check::Checks;
use crate::secret::Secret;
use serde::Deserialize;
use serde::de::{Deserializer, Unexpected, Visitor};
use std::fmt;
use std::ops::RangeInclusive;
use utoipa::openapi::schema::{Schema, Type};
use utoipa::openapi::{ObjectBuilder, RefOr};
use utoipa::{PartialSchema, ToSchema};

/// A line that begins with no blank and has no control characters. The check also takes
/// blanks around it, and trims them.
const LINE: &str = r"^[^\s\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]*$";
/// Text that begins with no blank and has no NUL.
const TEXT: &str = r"^[^\s\x00][^\x00]*$";
/// Printable ASCII that is not blank. The checks of secrets also take other characters.
const SECRET: &str = "^[ -~]*[!-~][ -~]*$";

fn text_schema(chars_max: usize, pattern: &str) -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .min_length(Some(1))
        .max_length(Some(chars_max))
        .pattern(Some(pattern))
}

macro_rules! text {
    ($(#[$doc:meta])* $name:ident, $chars_max:literal, $check:ident, $pattern:ident) => {
        $(#[$doc])*
        #[derive(Debug, Deserialize)]
        #[serde(transparent)]
        pub(super) struct $name(String);

        impl $name {
            /// Checks and trims the text of the field at `pointer`.
            pub(super) fn check(&self, checks: &mut Checks, pointer: &str) -> String {
                checks.$check(pointer, &self.0, $chars_max)
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(text)
            }
        }

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                text_schema($chars_max, $pattern).into()
            }
        }

        impl ToSchema for $name {}
    };
}

text!(/// A name for people.
    Name, 200, line, LINE);
text!(/// An id or a name that another system or the client chose.
    Reference, 512, line, LINE);
text!(/// The reason for a person's decision.
    Reason, 500, line, LINE);
text!(/// A comment, which may have several lines.
    Comment, 2_000, text, TEXT);

/// A webhook secret.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub(super) struct WebhookSecret(Secret);

impl WebhookSecret {
    const BYTES_MAX: usize = 1_024;

    /// Checks the secret in the field `/secret`.
    pub(super) fn check(&self, checks: &mut Checks) {
        if self.0.is_blank() || self.0.expose().len() > Self::BYTES_MAX {
            let message = format!("expected a secret of 1 to {} bytes", Self::BYTES_MAX);
            checks.add("/secret", message);
        }
    }

    /// The checked secret.
    pub(super) fn into_secret(self) -> Secret {
        self.0
    }
}

impl PartialSchema for WebhookSecret {
    fn schema() -> RefOr<Schema> {
        text_schema(Self::BYTES_MAX, SECRET).write_only(true).into()
    }
}

impl ToSchema for WebhookSecret {}

/// A token, an API key or a client's secret. It fits into a header.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub(super) struct Token(Secret);

impl Token {
    const BYTES_MAX: usize = 8_192;

    /// Checks the token in the field at `pointer`, and returns it.
    pub(super) fn check(self, checks: &mut Checks, pointer: &str) -> Secret {
        let text = self.0.expose();
        let fits = (1..=Self::BYTES_MAX).contains(&text.len());
        if !fits || text.trim().is_empty() || text.chars().any(char::is_control) {
            let message = format!("expected 1 to {} bytes of one line", Self::BYTES_MAX);
            checks.add(pointer, message);
        }
        self.0
    }
}

impl PartialSchema for Token {
    fn schema() -> RefOr<Schema> {
        text_schema(Self::BYTES_MAX, SECRET).write_only(true).into()
    }
}

impl ToSchema for Token {}

/// A whole number with bounds.
pub(super) trait WholeNumber: Copy {
    /// The least number that the schema allows.
    const MIN: u64;
    /// The greatest number that the schema allows.
    const MAX: u64;

    /// The number, which may be out of bounds before a check.
    fn get(self) -> u64;

    /// Checks the number of the field at `pointer`, and returns it.
    fn check(self, checks: &mut Checks, pointer: &str) -> u64 {
        self.check_in(checks, pointer, Self::MIN..=Self::MAX)
    }

    /// Checks the number against a range that the operator has narrowed.
    fn check_in(self, checks: &mut Checks, pointer: &str, range: RangeInclusive<u64>) -> u64 {
        checks.number(pointer, self.get(), range);
        self.get()
    }
}

/// Defines a whole number with bounds: `whole!(ClaimMessages, 1, 1_000)`.
macro_rules! whole {
    ($(#[$attribute:meta])* $name:ident, $min:literal, $max:literal) => {
        $(#[$attribute])*
        #[derive(Clone, Copy, Debug, serde::Deserialize)]
        #[serde(transparent)]
        pub(super) struct $name(
            #[serde(deserialize_with = "crate::api::values::whole_number")] u64,
        );

        impl crate::api::values::WholeNumber for $name {
            const MIN: u64 = $min;
            const MAX: u64 = $max;

            fn get(self) -> u64 {
                self.0
            }
        }

        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
                utoipa::openapi::ObjectBuilder::new()
                    .schema_type(utoipa::openapi::schema::Type::Integer)
                    .minimum(Some($min))
                    .maximum(Some($max))
                    .into()
            }
        }

        impl utoipa::ToSchema for $name {}
    };
}

pub(super) use whole;

/// Reads a number as JSON Schema understands `integer`: `3.0` is one.
pub(super) fn whole_number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    deserializer.deserialize_u64(NumberVisitor)
}

struct NumberVisitor;

impl Visitor<'_> for NumberVisitor {
    type Value = u64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a whole number that is not negative")
    }

    fn visit_u64<E>(self, number: u64) -> Result<u64, E> {
        Ok(number)
    }

    fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<u64, E> {
        u64::try_from(number).map_err(|_| E::invalid_value(Unexpected::Signed(number), &self))
    }

    fn visit_f64<E: serde::de::Error>(self, number: f64) -> Result<u64, E> {
        // Beyond 2^53 a float no longer says which whole number it is.
        const EXACT_MAX: f64 = 9_007_199_254_740_992.0;
        if number.fract() == 0.0 && (0.0..=EXACT_MAX).contains(&number) {
            // The bounds above make the conversion exact.
            return Ok(number as u64);
        }
        Err(E::invalid_type(Unexpected::Float(number), &self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    whole!(Digit, 1, 9);

    fn digit(json: &str) -> Result<u64, String> {
        let digit = serde_json::from_str::<Digit>(json);
        digit
            .map(|digit| digit.0)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn a_whole_number_may_be_written_as_a_float() {
        assert_eq!(digit("3"), Ok(3));
        assert_eq!(digit("3.0"), Ok(3));
        for wrong in ["-1", "-1.0", "1.5", "1e300", "\"3\"", "null"] {
            assert!(digit(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_number_out_of_bounds_is_an_error_of_the_check() {
        for (number, is_valid) in [(0, false), (1, true), (9, true), (10, false)] {
            let mut checks = Checks::default();
            Digit(number).check(&mut checks, "/max");
            assert_eq!(checks.done().is_ok(), is_valid, "{number}");
        }
    }

    #[test]
    fn a_name_is_trimmed_and_then_counted_in_characters() {
        let name = |text: &str| {
            let mut checks = Checks::default();
            let name = Name::from(text.to_owned()).check(&mut checks, "/name");
            checks.done().map(|()| name)
        };
        assert_eq!(name("  Ärger \n").unwrap(), "Ärger");
        assert!(name(&"ä".repeat(200)).is_ok());
        for wrong in [" \u{a0} ", "a\0b", &"ä".repeat(201)] {
            assert!(name(wrong).is_err(), "{wrong:?}");
        }
    }
}
