//! The meaning of an unsuccessful answer.
//!
//! Google's errors are `{"error": {"code", "message", "status", "errors": [{"reason",
//! "domain", "message"}]}}`. The `reason` decides, because 403 means an exhausted quota as well
//! as a missing permission.

use serde_json::Value;
use triggerhouse_sdk::http::{FetchError, Response};
use triggerhouse_sdk::prelude::*;
use triggerhouse_sdk::{aside, one_line, retry_after_seconds, seconds_until_rfc3339, tail};

/// Bytes of an error's text: people read it on a screen.
const TEXT_BYTES_MAX: usize = 300;

/// Reasons of a 403 that a pause cures; `dailyLimitExceeded` needs a long one.
const QUOTA_REASONS: &[&str] = &[
    "rateLimitExceeded",
    "userRateLimitExceeded",
    "quotaExceeded",
    "dailyLimitExceeded",
    "dailyLimitExceededUnreg",
    "concurrentLimitExceeded",
];

/// Reasons of a 403 that belong to the project behind the credential. A new credential would not
/// help.
const PROJECT_REASONS: &[&str] = &["accessNotConfigured", "SERVICE_DISABLED"];

/// The reason why there is no usable answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Failure {
    /// The requested thing does not exist, or no longer: 404 and 410.
    Gone,
    /// The service refuses the request: 400.
    Refused(String),
    /// The service asks for a pause of so many seconds, or of unknown length.
    RateLimited(Option<u32>),
    /// The service does not accept the credential for this.
    Unauthorized(String),
    /// The service is temporarily out of order.
    Unavailable(String),
    /// The host allows no more requests in this poll.
    LimitReached,
    /// The quota of this minute does not cover the request, which was not sent.
    QuotaUsed,
    /// Anything else.
    Other(String),
}

impl From<Failure> for PollError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Gone => Self::Other("not found: does base_url lead to the Gmail API?".into()),
            Failure::RateLimited(seconds) => Self::RateLimited(seconds),
            Failure::QuotaUsed => Self::RateLimited(None),
            Failure::Unauthorized(text) => Self::Unauthorized(text),
            Failure::Unavailable(text) => Self::Unavailable(text),
            Failure::LimitReached => {
                Self::Other("the host allows too few requests for one poll".into())
            }
            Failure::Refused(text) | Failure::Other(text) => Self::Other(text),
        }
    }
}

impl From<FetchError> for Failure {
    fn from(error: FetchError) -> Self {
        match error {
            FetchError::Timeout => Self::Unavailable("no answer in time".into()),
            FetchError::Unreachable(text) => Self::Unavailable(readable(&text)),
            FetchError::LimitReached => Self::LimitReached,
            FetchError::TooLarge => Self::Other("the answer was too large".into()),
            FetchError::Denied(text) => Self::Other(readable(&format!("not granted: {text}"))),
            FetchError::Other(text) => Self::Other(readable(&text)),
        }
    }
}

impl Failure {
    /// Classifies an unsuccessful answer.
    pub(super) fn of(response: &Response, now_us: u64) -> Self {
        let error = Error::read(&response.body);
        let text = error.text(response.status);
        match response.status {
            400 => Self::Refused(text),
            401 => Self::Unauthorized(text),
            403 if error.has_reason(QUOTA_REASONS) || error.status() == "RESOURCE_EXHAUSTED" => {
                Self::RateLimited(pause(response, &error, now_us))
            }
            403 if error.has_reason(PROJECT_REASONS) => Self::Other(text),
            403 => Self::Unauthorized(text),
            404 | 410 => Self::Gone,
            429 => Self::RateLimited(pause(response, &error, now_us)),
            408 | 500..=599 => Self::Unavailable(text),
            _ => Self::Other(text),
        }
    }
}

/// The pause that the service asks for, in seconds. `Retry-After` is rare. Gmail's own text is
/// "User-rate limit exceeded. Retry after 2020-01-21T12:57:51.196Z".
fn pause(response: &Response, error: &Error, now_us: u64) -> Option<u32> {
    retry_after_seconds(&response.headers, now_us).or_else(|| {
        let (_, rest) = error.message().split_once("Retry after ")?;
        let moment = rest.split_whitespace().next()?;
        seconds_until_rfc3339(moment.trim_end_matches('.'), now_us)
    })
}

/// The body of an error, or `null` if it is not JSON.
struct Error(Value);

impl Error {
    fn read(body: &[u8]) -> Self {
        Self(serde_json::from_slice(body).unwrap_or(Value::Null))
    }

    fn message(&self) -> &str {
        self.field("message")
    }

    fn status(&self) -> &str {
        self.field("status")
    }

    fn field(&self, name: &str) -> &str {
        self.0["error"][name].as_str().unwrap_or_default()
    }

    /// The old format has `errors`, the new one `details`. Answers carry either or both.
    fn reasons(&self) -> impl Iterator<Item = &str> {
        let lists = ["/error/errors", "/error/details"].into_iter();
        let items = lists.filter_map(|list| self.0.pointer(list)?.as_array());
        items
            .flatten()
            .filter_map(|item| item.get("reason")?.as_str())
    }

    fn has_reason(&self, reasons: &[&str]) -> bool {
        self.reasons().any(|reason| {
            reasons
                .iter()
                .any(|known| known.eq_ignore_ascii_case(reason))
        })
    }

    /// `Gmail answered 403 (insufficientPermissions): Insufficient Permission`.
    fn text(&self, status: u16) -> String {
        let reason = self.reasons().next().unwrap_or(self.status());
        let reason = aside(Some(reason).filter(|reason| !reason.is_empty()));
        let message = Some(self.message()).filter(|message| !message.is_empty());
        readable(&format!(
            "Gmail answered {status}{reason}{}",
            tail(": ", message)
        ))
    }
}

fn readable(text: &str) -> String {
    shorten(&one_line(text), TEXT_BYTES_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn failure(status: u16, reason: &str, message: &str) -> Failure {
        answer(
            status,
            &[],
            &json!({"error": {
                "code": status, "message": message, "errors": [{"domain": "d", "reason": reason}]
            }}),
        )
    }

    fn answer(status: u16, headers: &[(&str, &str)], body: &Value) -> Failure {
        let headers = headers.iter().map(|(name, value)| Header {
            name: (*name).into(),
            value: (*value).into(),
        });
        let response = Response {
            status,
            headers: headers.collect(),
            body: body.to_string().into_bytes(),
        };
        Failure::of(&response, 1_579_611_000_000_000)
    }

    #[test]
    fn an_exhausted_quota_and_a_missing_permission_differ_although_both_are_403() {
        for reason in QUOTA_REASONS {
            assert_eq!(
                failure(403, reason, ""),
                Failure::RateLimited(None),
                "{reason}"
            );
        }
        assert_eq!(
            failure(403, "insufficientPermissions", "Insufficient\nPermission"),
            Failure::Unauthorized(
                "Gmail answered 403 (insufficientPermissions): Insufficient Permission".into()
            )
        );
        assert!(matches!(
            failure(403, "domainPolicy", ""),
            Failure::Unauthorized(_)
        ));
        assert!(matches!(failure(403, "", ""), Failure::Unauthorized(_)));
        // A new credential would not help.
        assert!(matches!(
            failure(403, "accessNotConfigured", ""),
            Failure::Other(_)
        ));
        let exhausted = json!({"error": {"status": "RESOURCE_EXHAUSTED"}});
        assert_eq!(answer(403, &[], &exhausted), Failure::RateLimited(None));
    }

    #[test]
    fn the_pause_is_in_a_header_or_in_the_message() {
        let body = json!({"error": {"message": "Rate limit"}});
        let retry = |value| answer(429, &[("retry-after", value)], &body);
        assert_eq!(retry("17"), Failure::RateLimited(Some(17)));
        let date = "Tue, 21 Jan 2020 12:50:30 GMT";
        assert_eq!(retry(date), Failure::RateLimited(Some(30)));
        assert_eq!(retry("later"), Failure::RateLimited(None));
        let message = "User-rate limit exceeded.  Retry after 2020-01-21T12:57:51.196Z";
        assert_eq!(
            failure(403, "rateLimitExceeded", message),
            Failure::RateLimited(Some(472))
        );
        assert_eq!(failure(429, "", message), Failure::RateLimited(Some(472)));
    }

    #[test]
    fn a_broken_error_is_still_an_error() {
        let response = Response {
            status: 502,
            headers: vec![],
            body: b"<html>Bad Gateway".to_vec(),
        };
        assert_eq!(
            Failure::of(&response, 0),
            Failure::Unavailable("Gmail answered 502".into())
        );
        assert!(matches!(
            answer(401, &[], &json!([])),
            Failure::Unauthorized(_)
        ));
        assert!(matches!(answer(302, &[], &json!([])), Failure::Other(_)));
    }
}
