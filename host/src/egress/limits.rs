//! The network limits of one poll. The configuration sets them.

use serde::Deserialize;
use std::time::Duration;

/// The redirects that one call follows. The fetch standard allows twenty; a healthy API
/// needs one.
pub const REDIRECTS_MAX: usize = 5;
/// The time to connect, TLS included.
pub(crate) const CONNECT_MAX: Duration = Duration::from_secs(10);
/// The time that a call leaves of its poll. After a timeout, the guest can still answer
/// with the page that it has.
pub(crate) const ANSWER_RESERVE: Duration = Duration::from_millis(250);
/// The longest pause that a service may impose. More than a day is a mistake or a wrong
/// clock.
pub(crate) const PAUSE_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// The limits of `http.fetch`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EgressLimits {
    /// Requests of one poll, including redirects.
    pub requests_max: u32,
    /// Milliseconds of one call, from its start to the last byte, including redirects.
    /// Never more than the rest of the poll's time.
    pub call_ms: u64,
    /// Bytes of one request: URL, headers and body.
    pub request_bytes_max: usize,
    /// Bytes of one response's body.
    pub response_bytes_max: usize,
    /// Headers of one request or response.
    pub headers_max: usize,
    /// Bytes of all headers, names and values.
    pub header_bytes_max: usize,
    /// Bytes of all requests and all response bodies of one poll together.
    pub poll_bytes_max: usize,
    /// Responses kept for one poll group, to revalidate them by their ETags.
    pub kept_responses_max: usize,
    /// Bytes of one kept response, headers and body.
    pub kept_response_bytes_max: usize,
    /// Bytes of all kept responses of one poll group.
    pub kept_bytes_max: usize,
}

impl Default for EgressLimits {
    fn default() -> Self {
        Self {
            requests_max: 500,
            call_ms: 30_000,
            request_bytes_max: 4 << 20,
            response_bytes_max: 16 << 20,
            headers_max: 100,
            header_bytes_max: 64 << 10,
            poll_bytes_max: 64 << 20,
            kept_responses_max: 16,
            kept_response_bytes_max: 256 << 10,
            kept_bytes_max: 1 << 20,
        }
    }
}

impl EgressLimits {
    pub(crate) fn call(&self) -> Duration {
        Duration::from_millis(self.call_ms)
    }

    /// Checks that no limit is 0. The limits of kept responses may be: then none is kept.
    ///
    /// # Errors
    /// The name of the limit and the expected value.
    pub(crate) fn check(&self) -> Result<(), String> {
        // Without `..`, so that a new limit does not compile until it is considered here.
        let Self {
            requests_max,
            call_ms,
            request_bytes_max,
            response_bytes_max,
            headers_max,
            header_bytes_max,
            poll_bytes_max,
            kept_responses_max: _,
            kept_response_bytes_max: _,
            kept_bytes_max: _,
        } = *self;
        let positive = [
            ("requests_max", u64::from(requests_max)),
            ("call_ms", call_ms),
            ("request_bytes_max", request_bytes_max as u64),
            ("response_bytes_max", response_bytes_max as u64),
            ("headers_max", headers_max as u64),
            ("header_bytes_max", header_bytes_max as u64),
            ("poll_bytes_max", poll_bytes_max as u64),
        ];
        match positive.iter().find(|(_, value)| *value == 0) {
            Some((name, _)) => Err(format!("{name}: expected more than 0")),
            None => Ok(()),
        }
    }
}
