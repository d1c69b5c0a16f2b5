//! The time at which an access token is renewed.

use crate::domain::Timestamp;
use std::time::Duration;

/// The divisor for the part of a token's lifetime that is left at its renewal. A token
/// that lives for a minute is renewed six seconds before it expires.
const LIFETIME_LEFT: u32 = 10;

/// The renewal time of a token that was issued at `issued_at`: `ahead` of its expiry, or
/// later for a token with so short a lifetime that it would hardly be used.
pub(super) fn renew_at(issued_at: Timestamp, expires_at: Timestamp, ahead: Duration) -> Timestamp {
    let lifetime = u64::try_from(expires_at.micros_since(issued_at)).unwrap_or(0);
    let left = Duration::from_micros(lifetime) / LIFETIME_LEFT;
    expires_at - ahead.min(left)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_renewed_ahead_of_its_expiry_and_a_short_one_a_tenth_ahead() {
        let seconds = |seconds: i64| Timestamp(seconds * 1_000_000);
        let ahead = Duration::from_secs(300);
        for (life, expected) in [(36_000, 35_700), (3_000, 2_700), (60, 54), (0, 0)] {
            let at = renew_at(seconds(1_000), seconds(1_000 + life), ahead);
            assert_eq!(at, seconds(1_000 + expected), "{life}");
        }
        assert_eq!(renew_at(seconds(9), seconds(8), ahead), seconds(8));
    }
}
