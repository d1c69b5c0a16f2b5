//! The form of every error that a client sees: `application/problem+json` (RFC 9457).

use crate::store::StoreError;
use axum::Json;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

/// The media type of every error.
pub const PROBLEM_JSON: &str = "application/problem+json";
/// The `Retry-After` of a 503, in seconds.
const RETRY_AFTER_SECONDS: u64 = 1;

/// An error as a client sees it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Problem {
    /// Always `about:blank`: the status is the type.
    #[serde(rename = "type")]
    #[schema(rename = "type", example = "about:blank")]
    kind: &'static str,
    /// The name of the status.
    #[schema(example = "Unprocessable Entity")]
    title: &'static str,
    /// The HTTP status code.
    #[serde(serialize_with = "as_number")]
    #[schema(value_type = u16, example = 422)]
    pub(crate) status: StatusCode,
    /// The cause of this error, for people.
    pub(crate) detail: String,
    /// The errors in the request's body.
    pub(crate) errors: Vec<FieldError>,
    #[serde(skip)]
    // Boxed, because it is rare and would double the size of every handler's result.
    header: Option<Box<(HeaderName, HeaderValue)>>,
    /// The label in `/metrics`, where the status is too coarse.
    #[serde(skip)]
    cause: Option<&'static str>,
}

/// The label of a refusal in `/metrics`, as an extension of its response.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cause(pub(crate) &'static str);

/// An error in one value of a request's body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldError {
    /// JSON Pointer (RFC 6901) into the body; empty for the whole body.
    #[schema(example = "/config/events/0")]
    pub pointer: String,
    /// The requirement that the value violates.
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
    /// A problem whose status says everything.
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

    /// Sets the cause, for people.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = detail.into();
        self
    }

    /// Sets the errors in the body.
    #[must_use]
    pub fn errors(mut self, errors: Vec<FieldError>) -> Self {
        self.errors = errors;
        self
    }

    /// Sets `Retry-After`.
    #[must_use]
    pub fn retry_after(self, seconds: u64) -> Self {
        self.header(header::RETRY_AFTER, seconds.into())
    }

    /// Sets the label in `/metrics`.
    #[must_use]
    pub(crate) fn because(mut self, cause: &'static str) -> Self {
        self.cause = Some(cause);
        self
    }

    fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.header = Some(Box::new((name, value)));
        self
    }

    /// 400: the request cannot be parsed.
    pub fn unreadable(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST).detail(detail)
    }

    /// 401: the API key is missing or unknown.
    pub fn unauthorized(detail: &'static str, challenge: &'static str) -> Self {
        Self::new(StatusCode::UNAUTHORIZED).detail(detail).header(
            header::WWW_AUTHENTICATE,
            HeaderValue::from_static(challenge),
        )
    }

    /// 404: the resource does not exist, or belongs to another organization, which looks the
    /// same.
    pub fn not_found(what: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND).detail(format!("no such {what}"))
    }

    /// 409: the state of the resource does not allow the request.
    pub fn conflict(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT).detail(detail)
    }

    /// 422: the request can be parsed, but is invalid.
    pub fn invalid(errors: Vec<FieldError>) -> Self {
        let detail = match errors.as_slice() {
            [one] => format!("{}: {}", one.pointer, one.message),
            many => format!("{} values are not valid", many.len()),
        };
        Self::new(StatusCode::UNPROCESSABLE_ENTITY)
            .detail(detail)
            .errors(errors)
    }

    /// 503: the client should send the same request again, after a second.
    pub fn unavailable(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE)
            .detail(detail)
            .retry_after(RETRY_AFTER_SECONDS)
    }

    /// 500. The cause goes to the log and not to the client.
    pub fn internal() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR)
            .detail("internal error; the server's log has the cause")
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
                Self::unavailable("the database is unavailable")
            }
            StoreError::Busy(_) => {
                tracing::warn!(%error, "a request was answered with 503");
                Self::unavailable("the database is busy")
            }
            StoreError::Crowded => Self::new(StatusCode::TOO_MANY_REQUESTS)
                .detail(error.to_string())
                .retry_after(RETRY_AFTER_SECONDS),
            StoreError::Taken { .. } => Self::conflict(error.to_string()),
            StoreError::Missing { what } => Self::invalid(vec![FieldError::new(
                format!("/{what}_id"),
                error.to_string(),
            )]),
            StoreError::Unreadable { .. }
            | StoreError::Refused(_)
            | StoreError::Migrate(_)
            | StoreError::Outdated { .. }
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
    fn a_refused_statement_is_not_shown() {
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
    fn a_reference_to_nothing_is_pointed_at() {
        let problem = Problem::from(StoreError::Missing {
            what: "integration",
        });
        assert_eq!(problem.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(problem.errors[0].pointer, "/integration_id");
    }
}
