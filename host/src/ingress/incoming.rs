//! A webhook request before its sender is known.

use crate::clock;
use crate::domain::Timestamp;
use axum::body::Body;
use axum::extract::{FromRequest, Request};
use axum::http::HeaderMap;
use std::convert::Infallible;
use tokio::time::Instant;

/// A request whose body has not been read yet.
pub(super) struct Incoming {
    pub(super) headers: HeaderMap,
    /// The query string without `?`, still percent-encoded.
    pub(super) query: String,
    pub(super) body: Body,
    /// The time of receipt, against which the signature's freshness is judged.
    pub(super) received_at: Timestamp,
    /// The same moment on the clock that never goes back.
    pub(super) arrived: Instant,
}

impl<S: Sync> FromRequest<S> for Incoming {
    type Rejection = Infallible;

    async fn from_request(request: Request, _: &S) -> Result<Self, Infallible> {
        let (parts, body) = request.into_parts();
        Ok(Self {
            query: parts.uri.query().unwrap_or_default().to_owned(),
            headers: parts.headers,
            body,
            received_at: clock::now(),
            arrived: Instant::now(),
        })
    }
}
