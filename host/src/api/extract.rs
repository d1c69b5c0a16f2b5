//! Extractors: the bodies and queries of requests. An unreadable one becomes a [`Problem`].

pub use crate::http::PathId;

use crate::http::{FieldError, Problem};
use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Query, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use serde::de::{Deserialize, DeserializeOwned, Deserializer};
use serde_path_to_error::{Path as SerdePath, Segment};
use std::fmt::Write as _;

/// The most bytes of a request's body below `/v1`.
pub const API_BODY_BYTES_MAX: usize = 1_048_576;

/// A JSON object as the body. 400 points at the field that cannot be read or is unknown.
#[derive(Debug)]
pub struct JsonBody<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for JsonBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        if !is_json(request.headers()) {
            return Err(not_json());
        }
        let body = bytes(request, state).await?;
        read(&body).map(Self)
    }
}

/// A JSON object as an optional body. An empty body and `null` count as `{}`.
#[derive(Debug)]
pub struct OptionalJsonBody<T>(pub T);

impl<T: DeserializeOwned + Default, S: Send + Sync> FromRequest<S> for OptionalJsonBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let is_json = is_json(request.headers());
        let body = bytes(request, state).await?;
        if body.is_empty() {
            return Ok(Self(T::default()));
        }
        match (is_json, body.trim_ascii()) {
            (false, _) => Err(not_json()),
            (true, b"null") => Ok(Self(T::default())),
            (true, body) => read(body).map(Self),
        }
    }
}

fn not_json() -> Problem {
    Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE)
        .detail("expected a body with Content-Type: application/json")
}

async fn bytes<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, Problem> {
    let body = Bytes::from_request(request, state).await;
    body.map_err(|rejection| match rejection.status() {
        status @ StatusCode::PAYLOAD_TOO_LARGE => Problem::new(status).detail(format!(
            "expected a body of at most {API_BODY_BYTES_MAX} bytes"
        )),
        _ => Problem::unreadable("the body could not be read to its end"),
    })
}

fn is_json(headers: &HeaderMap) -> bool {
    let value = headers.get(header::CONTENT_TYPE);
    let text = value.and_then(|value| value.to_str().ok()).unwrap_or("");
    let essence = text.split(';').next().unwrap_or("").trim();
    let essence = essence.to_ascii_lowercase();
    essence == "application/json"
        || (essence.starts_with("application/") && essence.ends_with("+json"))
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    // Serde would also read an array, as the fields in their order.
    if body.trim_ascii_start().first() != Some(&b'{') {
        return Err(Problem::unreadable("expected a body of one JSON object")
            .errors(vec![FieldError::new("", "expected an object")]));
    }
    let mut json = serde_json::Deserializer::from_slice(body);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let pointer = pointer(error.path());
        let error = error.into_inner();
        if error.is_data() {
            let detail = format!("{pointer}: {error}");
            Problem::unreadable(detail.trim_start_matches(": "))
                .errors(vec![FieldError::new(pointer, error.to_string())])
        } else {
            Problem::unreadable(format!("expected a body of JSON: {error}"))
        }
    })?;
    json.end()
        .map_err(|error| Problem::unreadable(format!("expected one JSON value: {error}")))?;
    Ok(value)
}

/// A path of serde as a JSON Pointer.
fn pointer(path: &SerdePath) -> String {
    let mut pointer = String::new();
    for segment in path {
        // Writing to a string cannot fail.
        let _ = match segment {
            Segment::Seq { index } => write!(pointer, "/{index}"),
            Segment::Map { key } => {
                write!(pointer, "/{}", key.replace('~', "~0").replace('/', "~1"))
            }
            Segment::Enum { .. } | Segment::Unknown => Ok(()),
        };
    }
    pointer
}

/// The query of a URL.
#[derive(Debug)]
pub struct QueryOf<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for QueryOf<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let query = Query::<T>::from_request_parts(parts, state).await;
        query
            .map(|Query(query)| Self(query))
            .map_err(|rejection| Problem::unreadable(rejection.body_text()))
    }
}

/// Reads an optional field that must not be null. `Patch` is for fields that may be.
///
/// Without this function, serde would read null as an absent field.
pub(super) fn present<'de, T, D>(deserializer: D) -> Result<Option<T>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    T::deserialize(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Body {
        #[serde(default, deserialize_with = "present")]
        name: Option<String>,
        #[serde(default, deserialize_with = "present")]
        link: Option<Vec<u8>>,
    }

    fn error(body: &str) -> Problem {
        let problem = read::<Body>(body.as_bytes()).unwrap_err();
        assert_eq!(problem.status, StatusCode::BAD_REQUEST, "{body}");
        problem
    }

    #[test]
    fn an_error_points_at_its_field() {
        assert_eq!(error(r#"{"name": 7}"#).errors[0].pointer, "/name");
        assert_eq!(error(r#"{"link": [1, "x"]}"#).errors[0].pointer, "/link/1");
        assert!(
            error(r#"{"nam": "x"}"#).errors[0]
                .message
                .contains("expected `name` or `link`")
        );
        for broken in ["", "{", "{} {}", "\0", "[]", "null"] {
            error(broken);
        }
    }

    #[test]
    fn a_field_may_be_absent_but_not_null() {
        let body: Body = read(b"{}").unwrap();
        assert!(body.name.is_none() && body.link.is_none());
        assert_eq!(error(r#"{"name": null}"#).errors[0].pointer, "/name");
    }

    #[test]
    fn the_content_type_decides_whether_a_body_is_json() {
        for (text, expected) in [
            ("application/json", true),
            ("Application/JSON; charset=utf-8", true),
            ("application/merge-patch+json", true),
            ("text/plain", false),
            ("", false),
        ] {
            let value = header::HeaderValue::from_static(text);
            let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, value)]);
            assert_eq!(is_json(&headers), expected, "{text:?}");
        }
    }
}
