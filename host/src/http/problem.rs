//! Errors as clients see them: `application/problem+json` (RFC 9457).

use crate::store::StoreError;
use axum::Json;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

/// The media type of every error.
pub const PROBLEM_JSON: &str = "application/problem+json";
/// When to try again while the database is down, in seconds.
const RETRY_AFTER_SECONDS: u64 = 1;

/// What went wrong.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Problem {
    /// `about:blank`: the status says it all.
    #[serde(rename = "type")]
    #[schema(rename = "type", example = "about:blank")]
    kind: &'static str,
    /// The status in words.
    #[schema(example = "Unprocessable Entity")]
    title: &'static str,
    /// The HTTP status.
    #[serde(serialize_with = "as_number")]
    #[schema(value_type = u16, example = 422)]
    pub(crate) status: StatusCode,
    /// What went wrong this time, for people.
    pub(crate) detail: String,
    /// What is wrong with the request's body, and where.
    pub(crate) errors: Vec<FieldError>,
    #[serde(skip)]
    // Boxed: a rare passenger, which would double what every handler returns.
    header: Option<Box<(HeaderName, HeaderValue)>>,
    /// In figures, where the status does not say enough.
    #[serde(skip)]
    cause: Option<&'static str>,
}

/// Of a refusal, in its response: what `/metrics` counts it by.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cause(pub(crate) &'static str);

/// What is wrong with one value of a request's body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldError {
    /// JSON Pointer (RFC 6901) into the body; empty for all of it.
    #[schema(example = "/config/events/0")]
    pub pointer: String,
    /// What was expected.
    pub message: String,
}

impl FieldError {
    /// An error at `pointer`.
    pub fn new(pointer: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            pointer: pointer.into(),
            message: message.into(),
        }
    }
}

fn as_number<S: serde::Serializer>(status: &StatusCode, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_u16(status.as_u16())
}

impl Problem {
    /// A problem that its status explains.
    pub fn new(status: StatusCode) -> Self {
        let title = status.canonical_reason().unwrap_or("Error");
        Self {
            kind: "about:blank",
            title,
            status,
            detail: title.to_owned(),
            errors: Vec::new(),
            header: None,
            cause: None,
        }
    }

    /// Says what went wrong this time.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = detail.into();
        self
    }

    /// Says where the body is wrong.
    #[must_use]
    pub fn errors(mut self, errors: Vec<FieldError>) -> Self {
        self.errors = errors;
        self
    }

    /// Says when to try again.
    #[must_use]
    pub fn retry_after(self, seconds: u64) -> Self {
        self.header(header::RETRY_AFTER, seconds.into())
    }

    /// Says by what it is counted.
    #[must_use]
    pub(crate) fn because(mut self, cause: &'static str) -> Self {
        self.cause = Some(cause);
        self
    }

    fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.header = Some(Box::new((name, value)));
        self
    }

    /// 400: cannot be read at all.
    pub fn unreadable(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST).detail(detail)
    }

    /// 401: no key, or one that is not known.
    pub fn unauthorized(detail: &'static str, challenge: &'static str) -> Self {
        Self::new(StatusCode::UNAUTHORIZED).detail(detail).header(
            header::WWW_AUTHENTICATE,
            HeaderValue::from_static(challenge),
        )
    }

    /// 404: not there, or another organization's, which looks the same.
    pub fn not_found(what: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND).detail(format!("no such {what}"))
    }

    /// 409: the state does not allow it.
    pub fn conflict(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT).detail(detail)
    }

    /// 422: readable, but not valid.
    pub fn invalid(errors: Vec<FieldError>) -> Self {
        let detail = match errors.as_slice() {
            [one] => format!("{}: {}", one.pointer, one.message),
            many => format!("{} values are not valid", many.len()),
        };
        Self::new(StatusCode::UNPROCESSABLE_ENTITY)
            .detail(detail)
            .errors(errors)
    }

    /// 500. What happened goes to the log, not to the client.
    pub fn internal() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR)
            .detail("something went wrong here; the log says what")
    }
}

impl IntoResponse for Problem {
    fn into_response(mut self) -> Response {
        let header = self.header.take();
        let cause = self.cause.take();
        let mut response = (self.status, Json(self)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        if let Some((name, value)) = header.map(|header| *header) {
            headers.insert(name, value);
        }
        if let Some(cause) = cause {
            response.extensions_mut().insert(Cause(cause));
        }
        response
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(_) => {
                tracing::warn!(%error, "a request was answered with 503");
                Self::new(StatusCode::SERVICE_UNAVAILABLE)
                    .detail("the database is unavailable")
                    .retry_after(RETRY_AFTER_SECONDS)
            }
            StoreError::Taken { .. } => Self::conflict(error.to_string()),
            StoreError::Missing { what } => Self::invalid(vec![FieldError::new(
                format!("/{what}_id"),
                error.to_string(),
            )]),
            StoreError::Unreadable { .. }
            | StoreError::Refused(_)
            | StoreError::Migrate(_)
            | StoreError::NoFile(_)
            | StoreError::Url(_) => {
                tracing::error!(%error, "a request was answered with 500");
                Self::internal()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_statement_does_not_show_itself() {
        let refused = StoreError::Refused(sqlx::Error::ColumnNotFound("hash".into()));
        let problem = Problem::from(refused);
        assert_eq!(problem.status, StatusCode::INTERNAL_SERVER_ERROR);
        assert!(!serde_json::to_string(&problem).unwrap().contains("hash"));
    }

    #[test]
    fn an_unavailable_database_says_when_to_try_again() {
        let response = Problem::from(StoreError::Unavailable(sqlx::Error::PoolTimedOut));
        let response = response.into_response();
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(response.headers()[header::RETRY_AFTER], "1");
        assert_eq!(response.headers()[header::CONTENT_TYPE], PROBLEM_JSON);
    }

    #[test]
    fn what_refers_to_nothing_is_pointed_at() {
        let problem = Problem::from(StoreError::Missing {
            what: "integration",
        });
        assert_eq!(problem.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(problem.errors[0].pointer, "/integration_id");
    }
}
