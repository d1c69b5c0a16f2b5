//! A poll: one question to a service what is new, on behalf of one poll group.

use crate::domain::Timestamp;
use crate::domain::event::ParsedEvent;
use std::fmt;
use std::time::Duration;

/// What a provider is asked. Its settings are added by the registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PollRequest {
    /// The cursor of the last committed page, as JSON; none on the first poll.
    pub cursor: Option<String>,
    /// The configurations of all active triggers of the group, as JSON.
    pub configs: Vec<String>,
    /// The time of the poll, which is all that a provider knows of time.
    pub now: Timestamp,
    /// Events that the page may have; never more than
    /// [`EVENTS_PER_CALL_MAX`](crate::domain::limits::EVENTS_PER_CALL_MAX) are asked
    /// for.
    pub limit: u32,
}

/// One page of what is new. Its events and its cursor are committed together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PollPage {
    /// What is new, oldest first.
    pub events: Vec<ParsedEvent>,
    /// For the next poll: a JSON value of the provider's own.
    pub cursor: String,
    /// Whether another page is waiting right now.
    pub more: bool,
}

/// Why a provider has no page. The cursor stays as it was. Texts are for people,
/// and as short as a reason has to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PollError {
    /// The service asks for a pause: this long, or as long as the host likes.
    RateLimited(Option<Duration>),
    /// The credential was refused: polling stops until there is a new one.
    Unauthorized(String),
    /// The service no longer knows the cursor, and the provider cannot find its
    /// way back from it.
    InvalidCursor(String),
    /// The service is out of order for now.
    Unavailable(String),
    /// Anything else.
    Other(String),
}

impl fmt::Display for PollError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RateLimited(None) => f.write_str("rate-limited"),
            Self::RateLimited(Some(pause)) => write!(f, "rate-limited for {} s", pause.as_secs()),
            Self::Unauthorized(reason) => write!(f, "unauthorized: {reason}"),
            Self::InvalidCursor(reason) => write!(f, "invalid cursor: {reason}"),
            Self::Unavailable(reason) => write!(f, "unavailable: {reason}"),
            Self::Other(reason) => f.write_str(reason),
        }
    }
}

impl std::error::Error for PollError {}
