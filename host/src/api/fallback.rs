//! Answers that no handler gives: no such route, no such method, a panic.

use crate::http::Problem;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

/// The answer to an unknown path.
pub(super) async fn no_such_route() -> Problem {
    Problem::not_found("route")
}

/// The answer to a method that a route does not have; `Allow` lists its methods.
pub(super) async fn no_such_method() -> Problem {
    Problem::new(StatusCode::METHOD_NOT_ALLOWED).detail("this route has other methods")
}

/// The answer of a handler that panicked.
pub(super) fn panicked(cause: Box<dyn std::any::Any + Send>) -> Response {
    let cause = cause
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| cause.downcast_ref::<&str>().copied())
        .unwrap_or("no message");
    tracing::error!(
        cause,
        "a handler panicked; its request was answered with 500"
    );
    Problem::internal().into_response()
}
