//! What a poll may ask of the network. The configuration fills these.

use serde::Deserialize;
use std::time::Duration;

/// Redirects that one call follows. The specification of `fetch` allows twenty;
/// an API that is healthy needs one.
pub const REDIRECTS_MAX: usize = 5;
/// How long a connection may take to be made, its TLS included.
pub(crate) const CONNECT_MAX: Duration = Duration::from_secs(10);
/// What a call leaves of its poll, so that a guest that met a timeout can still
/// answer with the page that it has.
pub(crate) const ANSWER_RESERVE: Duration = Duration::from_millis(250);
/// The longest pause that a service may impose. Beyond a day it is a mistake, or a
/// clock that is wrong.
pub(crate) const PAUSE_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// The limits of `http.fetch`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EgressLimits {
    /// Requests of one poll, redirects included.
    pub requests_max: u32,
    /// Milliseconds that one call may take with its redirects, until the last byte.
    /// Never more than what is left of the poll.
    pub call_ms: u64,
    /// Bytes of one request: URL, headers and body.
    pub request_bytes_max: usize,
    /// Bytes of one response's body.
    pub response_bytes_max: usize,
    /// Headers of one request, or of one response.
    pub headers_max: usize,
    /// Bytes of all of them, names and values.
    pub header_bytes_max: usize,
    /// Bytes that all requests and all bodies of responses of one poll may have
    /// together.
    pub poll_bytes_max: usize,
    /// Responses that are kept for one poll group, to be asked for by their ETag.
    pub kept_responses_max: usize,
    /// Bytes of one of them, headers and body.
    pub kept_response_bytes_max: usize,
    /// Bytes of all that are kept for one poll group.
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

    /// Says which limit makes no sense. Those of kept responses may be 0, which
    /// keeps none.
    ///
    /// # Errors
    /// The name of the limit and what is wrong with it.
    pub(crate) fn check(&self) -> Result<(), String> {
        let positive = [
            ("requests_max", u64::from(self.requests_max)),
            ("call_ms", self.call_ms),
            ("request_bytes_max", self.request_bytes_max as u64),
            ("response_bytes_max", self.response_bytes_max as u64),
            ("headers_max", self.headers_max as u64),
            ("header_bytes_max", self.header_bytes_max as u64),
            ("poll_bytes_max", self.poll_bytes_max as u64),
        ];
        match positive.iter().find(|(_, value)| *value == 0) {
            Some((name, _)) => Err(format!("{name}: expected more than 0")),
            None => Ok(()),
        }
    }
}
