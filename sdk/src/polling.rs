//! The `polling` interface: asks a service for new events.

use crate::contract::types::{Header, PollError, PollPage, PollRequest};
use serde::de::DeserializeOwned;

/// A longer pause is a clock error.
const PAUSE_SECONDS_MAX: u64 = 86_400;

/// Implemented by a provider that calls its service. Requests go through
/// [`crate::http::fetch`].
pub trait Polling {
    /// Returns one page of the events since the cursor.
    ///
    /// # Errors
    /// See [`PollError`]: each case tells the host what to do next.
    fn poll(request: PollRequest) -> Result<PollPage, PollError>;
}

impl PollRequest {
    /// The operator's settings.
    ///
    /// # Errors
    /// [`PollError::Other`] with the reason, if they do not fit the provider's settings
    /// schema.
    pub fn settings<T: DeserializeOwned>(&self) -> Result<T, PollError> {
        serde_json::from_str(&self.settings)
            .map_err(|error| PollError::Other(format!("settings: {error}")))
    }

    /// The first poll of a group, for a provider's tests.
    pub fn for_test(configs: &[&str], limit: u32) -> Self {
        Self {
            cursor: None,
            configs: configs.iter().map(|&config| config.into()).collect(),
            settings: "{}".into(),
            now: 1_700_000_000_000_000,
            limit,
        }
    }
}

/// Seconds until the service's `Retry-After` (RFC 9110 section 10.2.3), which is a number
/// of seconds or a date: rounded up, at most a day. `now_us` is [`PollRequest::now`].
pub fn retry_after_seconds(headers: &[Header], now_us: u64) -> Option<u32> {
    let value = &headers
        .iter()
        .find(|header| header.name.eq_ignore_ascii_case("retry-after"))?
        .value;
    let seconds = match value.trim().parse::<u64>() {
        Ok(seconds) => seconds,
        Err(_) => {
            let date = jiff::fmt::rfc2822::parse(value.trim()).ok()?;
            seconds_until(date.timestamp(), now_us)
        }
    };
    u32::try_from(seconds.min(PAUSE_SECONDS_MAX)).ok()
}

/// The same for a time in RFC 3339 that a service puts elsewhere.
pub fn seconds_until_rfc3339(text: &str, now_us: u64) -> Option<u32> {
    let seconds = seconds_until(text.parse().ok()?, now_us);
    u32::try_from(seconds.min(PAUSE_SECONDS_MAX)).ok()
}

fn seconds_until(moment: jiff::Timestamp, now_us: u64) -> u64 {
    let moment_us = u64::try_from(moment.as_microsecond()).unwrap_or(0);
    moment_us.saturating_sub(now_us).div_ceil(1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 1994-11-06T08:49:37Z.
    const MOMENT_US: u64 = 784_111_777_000_000;

    fn after(value: &str, now_us: u64) -> Option<u32> {
        let header = Header {
            name: "retry-after".into(),
            value: value.into(),
        };
        retry_after_seconds(&[header], now_us)
    }

    #[test]
    fn a_pause_is_seconds_or_a_date() {
        assert_eq!(after("120", 0), Some(120));
        assert_eq!(after(" 0 ", 0), Some(0));
        let date = "Sun, 06 Nov 1994 08:49:37 GMT";
        assert_eq!(after(date, MOMENT_US - 1_500_000), Some(2));
        assert_eq!(after(date, MOMENT_US + 5_000_000), Some(0));
        assert_eq!(after(date, 0), Some(86_400));
        assert_eq!(after("99999999999", 0), Some(86_400));
        for broken in ["", "-1", "soon", "1.5"] {
            assert_eq!(after(broken, 0), None, "{broken}");
        }
        assert_eq!(retry_after_seconds(&[], 0), None);
        let moment = "1994-11-06T08:49:37.000Z";
        assert_eq!(seconds_until_rfc3339(moment, MOMENT_US - 1), Some(1));
        assert_eq!(seconds_until_rfc3339("tomorrow", 0), None);
    }

    #[test]
    fn settings_are_read_or_explained() {
        #[derive(Debug, serde::Deserialize)]
        struct Settings {
            base_url: Option<String>,
        }
        let mut request = PollRequest::for_test(&["{}"], 10);
        let settings: Settings = request.settings().unwrap();
        assert_eq!(settings.base_url, None);
        request.settings = r#"{"base_url": 5}"#.into();
        let error = request.settings::<Settings>().unwrap_err();
        assert!(matches!(&error, PollError::Other(text) if text.starts_with("settings: ")));
    }
}
