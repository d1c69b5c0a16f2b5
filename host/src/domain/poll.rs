//! A poll: one request of a poll group for new events, and the page that answers it.

use crate::domain::Timestamp;
use crate::domain::event::ParsedEvent;

/// The input of a provider's poll. The registry adds its settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PollRequest {
    /// The cursor of the last committed page, as JSON; none on the first poll.
    pub cursor: Option<String>,
    /// The configurations of all active triggers of the group, as JSON.
    pub configs: Vec<String>,
    /// The time of the poll, the only clock that a provider has.
    pub now: Timestamp,
    /// The events that the page may have. The host never asks for more than
    /// [`EVENTS_PER_CALL_MAX`](crate::domain::limits::EVENTS_PER_CALL_MAX).
    pub limit: u32,
}

/// One page of new events. Its events and its cursor are committed together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PollPage {
    /// The new events, oldest first.
    pub events: Vec<ParsedEvent>,
    /// The cursor for the next poll, a JSON value of the provider's own.
    pub cursor: String,
    /// True if the next page is available now.
    pub more: bool,
}
