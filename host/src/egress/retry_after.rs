//! `Retry-After` (RFC 9110 section 10.2.3): seconds or a date.

use crate::domain::Timestamp;
use crate::egress::limits::PAUSE_MAX;
use reqwest::StatusCode;
use reqwest::header::{HeaderMap, RETRY_AFTER};
use std::time::{Duration, UNIX_EPOCH};

/// The pause that a 429 or 503 asks for. None for any other status, for no pause, and for
/// a date that has passed.
pub(crate) fn pause(status: StatusCode, headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let asks = [
        StatusCode::TOO_MANY_REQUESTS,
        StatusCode::SERVICE_UNAVAILABLE,
    ];
    if !asks.contains(&status) {
        return None;
    }
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let pause = match text.bytes().all(|byte| byte.is_ascii_digit()) {
        // A number that does not fit is a very long pause.
        true if !text.is_empty() => text.parse().map_or(PAUSE_MAX, Duration::from_secs),
        _ => {
            let date = httpdate::parse_http_date(text).ok()?;
            let date = date.duration_since(UNIX_EPOCH).ok()?;
            date.checked_sub(Duration::from_micros(u64::try_from(now.0).unwrap_or(0)))?
        }
    };
    (!pause.is_zero()).then_some(pause.min(PAUSE_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 1994-11-06T08:49:37Z.
    const NOW: Timestamp = Timestamp(784_111_777_000_000);

    fn seconds(status: u16, text: &'static str) -> Option<u64> {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, text.parse().unwrap());
        let status = StatusCode::from_u16(status).unwrap();
        pause(status, &headers, NOW).map(|pause| pause.as_secs())
    }

    #[test]
    fn seconds_and_dates_are_understood_and_bounded() {
        for (text, expected) in [
            ("30", Some(30)),
            (" 7 ", Some(7)),
            ("0", None),
            ("-1", None),
            ("1.5", None),
            ("", None),
            ("soon", None),
            ("99999999", Some(86_400)),
            ("99999999999999999999999", Some(86_400)),
            ("Sun, 06 Nov 1994 08:50:37 GMT", Some(60)),
            ("Sunday, 06-Nov-94 08:50:37 GMT", Some(60)),
            ("Sun Nov  6 08:50:37 1994", Some(60)),
            ("Sun, 06 Nov 1994 08:49:37 GMT", None),
            ("Sun, 06 Nov 1994 08:49:36 GMT", None),
            ("Mon, 06 Nov 2034 08:49:37 GMT", Some(86_400)),
        ] {
            assert_eq!(seconds(429, text), expected, "{text:?}");
        }
    }

    #[test]
    fn only_an_answer_that_refuses_asks_for_a_pause() {
        assert_eq!(seconds(503, "9"), Some(9));
        for status in [200, 202, 301, 413, 500] {
            assert_eq!(seconds(status, "9"), None, "{status}");
        }
        let nothing = pause(StatusCode::TOO_MANY_REQUESTS, &HeaderMap::new(), NOW);
        assert_eq!(nothing, None);
    }
}
