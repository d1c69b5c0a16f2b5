//! Enums that are words in the database and in the API.
//!
//! Owns: the macro `text_enum!`, which writes every conversion of such an enum from one
//! list of words, and the error for a word that is not on the list.
//! Never does: transitions between states, which `status.rs` adds.

use std::fmt;

/// A text that is not on the list of an enum.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub struct UnknownWord {
    expected: &'static [&'static str],
    got: String,
}

impl UnknownWord {
    /// Longer input is cut in the message.
    const GOT_CHARS_MAX: usize = 64;

    pub(crate) fn new(expected: &'static [&'static str], got: &str) -> Self {
        Self {
            expected,
            got: got.chars().take(Self::GOT_CHARS_MAX).collect(),
        }
    }
}

impl fmt::Display for UnknownWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { expected, got } = self;
        write!(f, "expected one of {}, got {got:?}", expected.join(", "))
    }
}

/// Defines an enum of words: `Variant = "word"`.
///
/// From that one list follow `ALL`, `WORDS`, `as_str`, `Display`, `FromStr`,
/// `TryFrom<String>` (for rows of the database), serde and the schema in OpenAPI.
macro_rules! text_enum {
    ($(#[$attribute:meta])* $visibility:vis enum $name:ident {
        $($(#[$variant_attribute:meta])* $variant:ident = $word:tt),+ $(,)?
    }) => {
        $(#[$attribute])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord,
            serde::Serialize, serde::Deserialize, utoipa::ToSchema,
        )]
        $visibility enum $name {
            $($(#[$variant_attribute])* #[serde(rename = $word)] $variant,)+
        }

        impl $name {
            /// Every variant, in the order of the list.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// Every word, in the order of the list.
            pub const WORDS: &'static [&'static str] = &[$($word),+];

            /// The word that the database and the API use.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::domain::text_enum::UnknownWord;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text {
                    $($word => Ok(Self::$variant),)+
                    _ => Err($crate::domain::text_enum::UnknownWord::new(Self::WORDS, text)),
                }
            }
        }

        impl TryFrom<String> for $name {
            type Error = $crate::domain::text_enum::UnknownWord;

            // `Self::Error` would be ambiguous in an enum with a variant `Error`.
            fn try_from(text: String) -> Result<Self, $crate::domain::text_enum::UnknownWord> {
                text.parse()
            }
        }
    };
}

pub(crate) use text_enum;

#[cfg(test)]
mod tests {
    use serde_json::json;
    use utoipa::PartialSchema;

    text_enum! {
        enum Size { Small = "s", ExtraLarge = "extra_large" }
    }

    #[test]
    fn every_conversion_uses_the_words_of_the_list() {
        for size in Size::ALL {
            let word = size.as_str();
            assert_eq!(size.to_string(), word);
            assert_eq!(word.parse(), Ok(*size));
            assert_eq!(Size::try_from(word.to_owned()), Ok(*size));
            assert_eq!(serde_json::to_value(size).unwrap(), word);
            assert_eq!(serde_json::from_value::<Size>(json!(word)).unwrap(), *size);
        }
        let schema = serde_json::to_value(Size::schema()).unwrap();
        assert_eq!(schema["enum"], json!(Size::WORDS));
    }

    #[test]
    fn an_unknown_word_is_shown_with_the_known_ones() {
        let error = "medium".parse::<Size>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "expected one of s, extra_large, got \"medium\""
        );
        let long = "x".repeat(1_000).parse::<Size>().unwrap_err();
        assert!(long.to_string().len() < 128, "{long}");
    }
}
