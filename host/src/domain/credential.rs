//! With what an integration is polled, and when that is renewed.

use crate::domain::Timestamp;
use crate::domain::text_enum::text_enum;
use std::time::Duration;

/// Of a token's life, the part that is left when it is renewed at the latest, as a
/// divisor: a token that lives for a minute is renewed six seconds before it ends.
const LIFE_PART_LEFT: u32 = 10;

text_enum! {
    /// How an integration's credential is come by.
    pub enum CredentialKind {
        /// A token that was given, and stays.
        Token = "token",
        /// An access token that a refresh token renews (RFC 6749 section 6).
        OauthRefresh = "oauth_refresh",
        /// Whatever Nango has for the integration's connection.
        Nango = "nango",
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
