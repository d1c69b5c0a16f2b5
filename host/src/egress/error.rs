//! Errors of outgoing requests, in the contract's terms. They contain nothing that a guest
//! must not know.

use crate::domain::limits::{REASON_BYTES_MAX, bounded};
use crate::egress::policy::{Denied, HostPort};
use std::error::Error;

/// Egress cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum EgressError {
    /// A limit is invalid.
    #[error("egress limits: {0}")]
    Limit(String),
    /// TLS is unavailable, usually because the system has no root certificates.
    #[error("the HTTP client cannot start: {}", root(.0))]
    Client(#[from] reqwest::Error),
}

/// See the contract's `fetch-error`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FetchError {
    #[error("denied: {0}")]
    Denied(String),
    #[error("timeout")]
    Timeout,
    #[error("too large")]
    TooLarge,
    #[error("limit reached")]
    LimitReached,
    #[error("unreachable: {0}")]
    Unreachable(String),
    #[error("{0}")]
    Other(String),
}

impl FetchError {
    pub(crate) fn other(text: impl AsRef<str>) -> Self {
        Self::Other(bounded(text.as_ref(), REASON_BYTES_MAX))
    }

    /// Translates an error of the client. Only the innermost cause says what happened; the
    /// outer ones show the URL, which may contain the credential.
    pub(crate) fn of_client(error: &reqwest::Error, host: &HostPort) -> Self {
        let mut cause: Option<&(dyn Error + 'static)> = Some(error);
        while let Some(inner) = cause {
            if let Some(denied) = inner.downcast_ref::<Denied>() {
                return denied.clone().into();
            }
            cause = inner.source();
        }
        let text = match (error.is_builder(), error.is_timeout()) {
            // The client does not say which part of the request is invalid.
            (true, _) => return Self::other("the request cannot be sent"),
            // The call's own timeout covers the whole call; this one is the connection's.
            (_, true) => format!("{host}: no connection in time"),
            _ => format!("{host}: {}", root(error)),
        };
        Self::Unreachable(bounded(&text, REASON_BYTES_MAX))
    }
}

impl From<Denied> for FetchError {
    fn from(denied: Denied) -> Self {
        Self::Denied(bounded(&denied.to_string(), REASON_BYTES_MAX))
    }
}

/// The innermost cause of a client's error. The client's own text shows the URL, so an
/// error without a cause is described by its kind.
fn root(error: &reqwest::Error) -> String {
    let mut cause = match error.source() {
        Some(cause) => cause,
        None if error.is_connect() => return "no connection".into(),
        None => return "the connection broke".into(),
    };
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}
