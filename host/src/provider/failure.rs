//! The reasons for which a call of a provider yields no events or no page.

use crate::domain::limits::{REASON_BYTES_MAX, bounded};
use crate::provider::error::GuestError;
use std::time::Duration;

/// The reason for which a delivery yields no events.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseFailure {
    /// The service would not send this: a dead letter.
    #[error("malformed: {0}")]
    Malformed(String),
    /// Nothing in the delivery could start a run: it completes with this outcome.
    #[error("ignored: {0}")]
    Ignored(String),
    /// The call failed; see [`GuestError::consequence`].
    #[error(transparent)]
    Guest(#[from] GuestError),
}

/// The reason for which a poll yields no page. The cursor stays as it was.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PollFailure {
    /// The service asks for a pause; none if it does not say how long.
    #[error("{}", rate_limited(*.0))]
    RateLimited(Option<Duration>),
    /// The service refused the credential: polling stops until it is replaced.
    #[error("unauthorized: {0}")]
    Unauthorized(String),
    /// The service no longer knows the cursor, and the provider cannot recover.
    #[error("invalid cursor: {0}")]
    InvalidCursor(String),
    /// The service is temporarily out of order.
    #[error("unavailable: {0}")]
    Unavailable(String),
    /// Anything else that the provider reports.
    #[error("{0}")]
    Other(String),
    /// The call failed; see [`GuestError::consequence`]. [`GuestError::Busy`] counts
    /// against nobody: as many polls run as may.
    #[error(transparent)]
    Guest(#[from] GuestError),
}

impl ParseFailure {
    /// The failure with its text fit to be stored.
    pub(crate) fn bounded(self) -> Self {
        match self {
            Self::Malformed(reason) => Self::Malformed(cut(&reason)),
            Self::Ignored(reason) => Self::Ignored(cut(&reason)),
            Self::Guest(error) => Self::Guest(error),
        }
    }
}

impl PollFailure {
    /// The failure with its text fit to be stored.
    pub(crate) fn bounded(self) -> Self {
        match self {
            Self::RateLimited(pause) => Self::RateLimited(pause),
            Self::Unauthorized(reason) => Self::Unauthorized(cut(&reason)),
            Self::InvalidCursor(reason) => Self::InvalidCursor(cut(&reason)),
            Self::Unavailable(reason) => Self::Unavailable(cut(&reason)),
            Self::Other(reason) => Self::Other(cut(&reason)),
            Self::Guest(error) => Self::Guest(error),
        }
    }
}

fn cut(reason: &str) -> String {
    bounded(reason, REASON_BYTES_MAX)
}

fn rate_limited(pause: Option<Duration>) -> String {
    match pause {
        None => "rate-limited".into(),
        Some(pause) => format!("rate-limited for {} s", pause.as_secs()),
    }
}
