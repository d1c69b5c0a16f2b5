//! With what an integration is polled, and when that is renewed.

use crate::domain::Timestamp;
use serde::Serialize;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;
use utoipa::ToSchema;

/// Of a token's life, the part that is left when it is renewed at the latest, as a
/// divisor: a token that lives for a minute is renewed six seconds before it ends.
const LIFE_PART_LEFT: u32 = 10;

/// How an integration's credential is come by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CredentialKind {
    /// A token that was given, and stays.
    Token,
    /// An access token that a refresh token renews (RFC 6749 section 6).
    OauthRefresh,
    /// Whatever Nango has for the integration's connection.
    Nango,
}

impl CredentialKind {
    const ALL: [Self; 3] = [Self::Token, Self::OauthRefresh, Self::Nango];

    /// The kind as it is stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::OauthRefresh => "oauth_refresh",
            Self::Nango => "nango",
        }
    }
}

impl fmt::Display for CredentialKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for CredentialKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or_else(|| format!("expected token, oauth_refresh or nango, got {text:?}"))
    }
}

/// When a token that was made at `made_at` is renewed: `ahead` of its end, or less if
/// it lives so shortly that it would hardly be used.
pub fn renew_at(made_at: Timestamp, expires_at: Timestamp, ahead: Duration) -> Timestamp {
    let life = u64::try_from(expires_at.micros_since(made_at)).unwrap_or(0);
    let left = Duration::from_micros(life) / LIFE_PART_LEFT;
    expires_at - ahead.min(left)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_read_as_it_is_written() {
        for kind in CredentialKind::ALL {
            assert_eq!(kind.as_str().parse(), Ok(kind));
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
        }
        assert!("basic".parse::<CredentialKind>().is_err());
    }

    #[test]
    fn a_token_is_renewed_ahead_of_its_end_and_a_short_one_a_tenth_ahead() {
        let seconds = |seconds: i64| Timestamp(seconds * 1_000_000);
        let ahead = Duration::from_secs(300);
        for (life, expected) in [(36_000, 35_700), (3_000, 2_700), (60, 54), (0, 0)] {
            let at = renew_at(seconds(1_000), seconds(1_000 + life), ahead);
            assert_eq!(at, seconds(1_000 + expected), "{life}");
        }
        assert_eq!(renew_at(seconds(9), seconds(8), ahead), seconds(8));
    }
}
