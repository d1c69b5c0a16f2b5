//! The parts of a token issuer's answer: tokens, expiry, and the words of an error.

use super::Credential;
use crate::domain::Timestamp;
use crate::secret::Secret;
use serde_json::Value;
use std::time::Duration;

/// The longest accepted token, in bytes. A token that lists all groups of a user has about
/// ten thousand.
pub(super) const TOKEN_BYTES_MAX: usize = 16_384;
/// The longest part of an error's code or description that is kept, in characters.
const WORDS_CHARS_MAX: usize = 200;
/// The longest accepted lifetime: ten years, which counts as never.
const LIFE_MAX: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);

/// A new access token.
#[derive(Debug)]
pub(super) struct Issued {
    pub(super) access: Secret,
    /// None if the issuer does not say.
    pub(super) expires_at: Option<Timestamp>,
    /// The time to renew it. None if that follows from the expiry.
    pub(super) renew_at: Option<Timestamp>,
    /// The credential that replaces the old one, if the issuer changed it.
    pub(super) credential: Option<Credential>,
}

/// No access token was issued.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Failure {
    /// A person has to set a new credential.
    #[error("{0}")]
    NeedsReauth(String),
    /// A later try may succeed.
    #[error("{reason}")]
    Unavailable {
        reason: String,
        retry_after: Option<Duration>,
    },
}

impl Failure {
    pub(super) fn unavailable(reason: impl Into<String>) -> Self {
        Self::Unavailable {
            reason: reason.into(),
            retry_after: None,
        }
    }

    /// The pause that the issuer asks for.
    pub(super) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::NeedsReauth(_) => None,
            Self::Unavailable { retry_after, .. } => *retry_after,
        }
    }
}

/// A token in an answer. None if the value is empty, too long, or does not fit into a
/// header.
pub(super) fn token(value: Option<&Value>) -> Option<Secret> {
    let text = value?.as_str()?;
    let fits = (1..=TOKEN_BYTES_MAX).contains(&text.len());
    (fits && !text.chars().any(char::is_control)).then(|| text.into())
}

/// The expiry of a token with a lifetime of `seconds`, from `now` on. Some services send
/// the number as text.
pub(super) fn expiry(now: Timestamp, seconds: Option<&Value>) -> Option<Timestamp> {
    let seconds = match seconds? {
        Value::Number(number) => number.as_f64()?,
        Value::String(text) => text.trim().parse().ok()?,
        _ => return None,
    };
    let life = Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or(LIFE_MAX);
    Some(now + life.min(LIFE_MAX))
}

/// A short text of an answer, on one line. None if it is empty or repeats a secret.
pub(super) fn words(value: Option<&Value>, secrets: &[&Secret]) -> Option<String> {
    let text = value?.as_str()?;
    let repeats = |secret: &&Secret| text.contains(secret.expose());
    if secrets.iter().any(repeats) {
        return None;
    }
    let line = text.split(|c: char| c.is_control() || c.is_whitespace());
    let line: Vec<&str> = line.filter(|word| !word.is_empty()).collect();
    let line: String = line.join(" ").chars().take(WORDS_CHARS_MAX).collect();
    (!line.is_empty()).then_some(line)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_lifetime_is_read_in_every_form_that_services_send() {
        let now = Timestamp(1_000_000);
        for (life, expected) in [
            (json!(3600), Some(3_601)),
            (json!("3600"), Some(3_601)),
            (json!(1.5e1), Some(16)),
            (json!(0), Some(1)),
            (json!(-5), Some(1)),
            (json!(u64::MAX), Some(315_360_001)),
            (json!("soon"), None),
            (json!(null), None),
        ] {
            let at = expiry(now, Some(&life)).map(|at| at.0 / 1_000_000);
            assert_eq!(at, expected, "{life}");
        }
        assert_eq!(expiry(now, None), None);
    }

    #[test]
    fn words_are_few_on_one_line_and_never_a_secret() {
        let secret = Secret::from("hunter2");
        let said = |text: &str| words(Some(&json!(text)), &[&secret]);
        assert_eq!(
            said(" expired\r\n\u{1b}[0m or  revoked "),
            Some("expired [0m or revoked".into())
        );
        assert_eq!(said("hunter2 is no good"), None);
        assert_eq!(said(" \n"), None);
        assert_eq!(
            said(&"ä".repeat(900)).map(|text| text.chars().count()),
            Some(200)
        );
        assert_eq!(words(Some(&json!(7)), &[]), None);
    }

    #[test]
    fn a_token_fits_into_a_header() {
        let is_token = |value: Value| token(Some(&value)).is_some();
        assert!(is_token(json!("ya29.a0-_~+/=")) && is_token(json!("x".repeat(16_384))));
        for wrong in [
            json!(""),
            json!("a\nb"),
            json!("a\0"),
            json!(1),
            json!("x".repeat(16_385)),
        ] {
            assert!(!is_token(wrong));
        }
    }
}
