//! What is made of the answers of those who issue access tokens.

use super::Credential;
use crate::domain::Timestamp;
use crate::secret::Secret;
use serde_json::Value;
use std::time::Duration;

/// Bytes of a token. One that states a user's every group has about ten thousand.
pub(super) const TOKEN_BYTES_MAX: usize = 16_384;
/// Characters of an error's code and description.
const WORDS_CHARS_MAX: usize = 200;
/// The end of a token that never ends, as far as anybody will see.
const LIFE_MAX: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);

/// An access token, fresh.
#[derive(Debug)]
pub(super) struct Got {
    pub(super) access: Secret,
    /// None if nobody knows.
    pub(super) expires_at: Option<Timestamp>,
    /// From when on to get another one, where that does not follow from its end.
    pub(super) renew_at: Option<Timestamp>,
    /// The credential, if it is another one now.
    pub(super) credential: Option<Credential>,
}

/// Why there is no access token.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Failure {
    /// Somebody has to set a new credential.
    #[error("{0}")]
    NeedsReauth(String),
    /// Later, perhaps.
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

    /// The pause that was asked for.
    pub(super) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::NeedsReauth(_) => None,
            Self::Unavailable { retry_after, .. } => *retry_after,
        }
    }
}

/// A text of an answer that is a token: not empty, and fit for a header.
pub(super) fn token(value: Option<&Value>) -> Option<Secret> {
    let text = value?.as_str()?;
    let fits = (1..=TOKEN_BYTES_MAX).contains(&text.len());
    (fits && !text.chars().any(char::is_control)).then(|| text.into())
}

/// When a token ends that lives so many seconds from `now` on. Some services write the
/// number as text.
pub(super) fn end(now: Timestamp, seconds: Option<&Value>) -> Option<Timestamp> {
    let seconds = match seconds? {
        Value::Number(number) => number.as_f64()?,
        Value::String(text) => text.trim().parse().ok()?,
        _ => return None,
    };
    let life = Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or(LIFE_MAX);
    Some(now + life.min(LIFE_MAX))
}

/// A few words of an answer, on one line. None if there are none, or they repeat a
/// secret.
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
    fn a_life_is_read_in_every_way_in_which_services_write_it() {
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
            let end = end(now, Some(&life)).map(|at| at.0 / 1_000_000);
            assert_eq!(end, expected, "{life}");
        }
        assert_eq!(end(now, None), None);
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
