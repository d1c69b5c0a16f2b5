//! Answers and faults.

use serde_json::{Value, json};

/// An answer of the service.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// True if it comes after every timeout.
    pub slow: bool,
}

/// A fault that replaces the answer of a request.
#[derive(Clone, Debug, PartialEq)]
pub enum Fault {
    /// 401: the token has expired or was revoked.
    Unauthorized,
    /// 403 with this reason: `rateLimitExceeded`, `insufficientPermissions`.
    Forbidden(&'static str),
    /// 429, with this `Retry-After`.
    TooManyRequests(Option<String>),
    /// 400 with this reason: `failedPrecondition`, `invalidArgument`.
    BadRequest(&'static str),
    /// 500, 502, 503.
    Server(u16),
    /// An answer after every timeout.
    Slow,
    /// 200, and these bytes.
    Body(Vec<u8>),
}

impl Fault {
    pub(super) fn answer(self) -> Answer {
        match self {
            Self::Unauthorized => Answer::error(401, "authError", "Invalid Credentials"),
            Self::Forbidden(reason) => Answer::error(403, reason, "Forbidden"),
            Self::TooManyRequests(retry_after) => {
                let mut answer = Answer::error(429, "rateLimitExceeded", "Too many requests");
                let header = retry_after.map(|value| ("retry-after".to_owned(), value));
                answer.headers.extend(header);
                answer
            }
            Self::BadRequest(reason) => Answer::error(400, reason, "Precondition check failed."),
            Self::Server(status) => Answer::error(status, "backendError", "Backend Error"),
            Self::Slow => Answer {
                slow: true,
                ..Answer::json(200, &json!({}))
            },
            Self::Body(body) => Answer {
                body,
                ..Answer::json(200, &json!({}))
            },
        }
    }
}

impl Answer {
    pub(super) fn json(status: u16, body: &Value) -> Self {
        Self {
            status,
            headers: vec![(
                "content-type".into(),
                "application/json; charset=UTF-8".into(),
            )],
            body: body.to_string().into_bytes(),
            slow: false,
        }
    }

    pub(super) fn error(status: u16, reason: &str, message: &str) -> Self {
        let error = json!({"message": message, "domain": "global", "reason": reason});
        Self::json(
            status,
            &json!({"error": {"code": status, "message": message, "errors": [error]}}),
        )
    }

    pub(super) fn bad_request(message: &str) -> Self {
        Self::error(400, "invalidArgument", message)
    }

    pub(super) fn not_found() -> Self {
        Self::error(404, "notFound", "Requested entity was not found.")
    }
}
