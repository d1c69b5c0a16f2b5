//! Why there is no response, in the contract's words, and without anything that a
//! guest should not know.

use crate::domain::limits::{REASON_BYTES_MAX, bounded};
use crate::egress::policy::{Denied, HostPort};
use std::error::Error;

/// Egress cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum EgressError {
    /// A limit makes no sense.
    #[error("egress limits: {0}")]
    Limit(String),
    /// There is no TLS to be had, usually because the system has no root
    /// certificates.
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

    /// Makes sense of an error of the client. Of those only the innermost says what
    /// happened; the outer ones would show the URL, with the credential in it.
    pub(crate) fn of_client(error: &reqwest::Error, place: &HostPort) -> Self {
        let mut cause: Option<&(dyn Error + 'static)> = Some(error);
        while let Some(inner) = cause {
            if let Some(denied) = inner.downcast_ref::<Denied>() {
                return denied.clone().into();
            }
            cause = inner.source();
        }
        let text = match (error.is_builder(), error.is_timeout()) {
            // The client does not say which part of a request displeases it.
            (true, _) => return Self::other("the request cannot be sent"),
            // The call's own time is measured around all of it.
            (_, true) => format!("{place}: no connection in time"),
            _ => format!("{place}: {}", root(error)),
        };
        Self::Unreachable(bounded(&text, REASON_BYTES_MAX))
    }
}

impl From<Denied> for FetchError {
    fn from(denied: Denied) -> Self {
        Self::Denied(bounded(&denied.to_string(), REASON_BYTES_MAX))
    }
}

/// The innermost cause of an error of the client. The client's own text shows the
/// URL; an error that has no cause is described by its kind.
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
