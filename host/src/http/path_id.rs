//! The id in a request's path.

use super::Problem;
use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use std::str::FromStr;

/// The `{id}` of a path. A text that is not an id of this kind is answered with 404.
#[derive(Debug)]
pub struct PathId<T>(pub T);

impl<T: FromStr + Send, S: Send + Sync> FromRequestParts<S> for PathId<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let id = Path::<String>::from_request_parts(parts, state).await;
        id.ok()
            .and_then(|Path(id)| id.parse().ok())
            .map(Self)
            .ok_or_else(|| Problem::not_found("resource"))
    }
}
