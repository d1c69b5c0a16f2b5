//! Secrets: signing secrets, API keys, and the master key under which secrets are sealed.
//!
//! Owns: how secrets are generated, how they are kept out of logs, and how they are sealed
//! for the database.
//! Never does: SQL, HTTP, or a decision about who may see a secret.

mod api_key;
mod generate;
mod master_key;
mod sealing;

pub use api_key::{API_KEY_PREFIX, generate_api_key, hash_api_key};
pub use generate::{generate_sink_secret, generate_token, generate_webhook_secret};
pub use master_key::{MASTER_KEY_BYTES, MasterKey, MasterKeyError};
pub use sealing::{OpenError, SealedPlace};

use std::fmt;
use zeroize::Zeroizing;

/// The prefix of a Standard Webhooks secret.
pub(crate) const SECRET_PREFIX: &str = "whsec_";

/// A secret text. It never appears in `Debug` or `Display`, and its memory is overwritten
/// when it is dropped.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// The text itself: for signing, for sealing, and for showing it once.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// True for an empty text, for white space, and for a prefix alone. Such a secret
    /// verifies nothing: anybody could guess it.
    pub fn is_blank(&self) -> bool {
        let text = self.0.trim();
        text.is_empty() || text == SECRET_PREFIX
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(Zeroizing::new(text))
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self::from(text.to_owned())
    }
}

impl AsRef<Secret> for Secret {
    fn as_ref(&self) -> &Secret {
        self
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

impl<'de> serde::Deserialize<'de> for Secret {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // `deserialize_any` leaves every mismatch to the visitor. Serde's own errors would
        // quote the value.
        deserializer.deserialize_any(Text)
    }
}

/// Accepts a text. Its errors never quote the value.
struct Text;

macro_rules! no_text {
    ($($visit:ident: $type:ty),*) => {
        $(fn $visit<E: serde::de::Error>(self, _: $type) -> Result<Secret, E> {
            Err(E::custom("expected a string"))
        })*
    };
}

impl serde::de::Visitor<'_> for Text {
    type Value = Secret;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Secret, E> {
        Ok(text.into())
    }

    fn visit_string<E: serde::de::Error>(self, text: String) -> Result<Secret, E> {
        Ok(text.into())
    }

    no_text!(visit_bool: bool, visit_i64: i64, visit_u64: u64, visit_f64: f64, visit_bytes: &[u8]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_does_not_show_itself() {
        let secret = Secret::from("hunter2");
        assert_eq!(
            format!("{secret} {secret:?} {:#?}", [&secret]).find("hunter"),
            None
        );
        assert_eq!(secret.expose(), "hunter2");
    }

    #[test]
    fn a_value_that_is_no_text_is_refused_and_not_shown() {
        let error = serde_json::from_str::<Secret>("12345678")
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("expected a string") && !error.contains("1234"),
            "{error}"
        );
    }

    #[test]
    fn a_blank_secret_is_recognized() {
        for text in ["", " ", "\n", "whsec_", " whsec_\n"] {
            assert!(Secret::from(text).is_blank(), "{text:?}");
        }
        assert!(!Secret::from("whsec_x").is_blank());
        assert!(!Secret::from("x").is_blank());
    }
}
