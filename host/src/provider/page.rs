//! Whether what a guest made of a poll keeps the contract's limits.

use crate::domain::limits::{CURSOR_BYTES_MAX, REASON_BYTES_MAX, bounded};
use crate::domain::poll::{PollError, PollPage};
use crate::provider::error::GuestError;
use crate::provider::events::check_events;
use serde::de::IgnoredAny;

/// Checks a page that was asked to have `events_max` events at most.
///
/// # Errors
/// [`GuestError::OutputTooLarge`] or [`GuestError::BadOutput`]. A page is taken whole
/// or not at all: its cursor says that all of its events were seen.
pub(crate) fn check_page(page: PollPage, events_max: usize) -> Result<PollPage, GuestError> {
    let size = page.cursor.len();
    if size > CURSOR_BYTES_MAX {
        return Err(GuestError::OutputTooLarge {
            place: "of cursor".into(),
            size: size.to_string(),
            limit: CURSOR_BYTES_MAX,
            unit: "bytes",
        });
    }
    if let Err(error) = serde_json::from_str::<IgnoredAny>(&page.cursor) {
        return Err(GuestError::BadOutput(format!("cursor is no JSON: {error}")));
    }
    Ok(PollPage {
        events: check_events(page.events, events_max)?,
        ..page
    })
}

/// Cuts the texts of an error.
pub(crate) fn check_poll_error(error: PollError) -> PollError {
    let cut = |text: String| bounded(&text, REASON_BYTES_MAX);
    match error {
        PollError::RateLimited(pause) => PollError::RateLimited(pause),
        PollError::Unauthorized(reason) => PollError::Unauthorized(cut(reason)),
        PollError::InvalidCursor(reason) => PollError::InvalidCursor(cut(reason)),
        PollError::Unavailable(reason) => PollError::Unavailable(cut(reason)),
        PollError::Other(reason) => PollError::Other(cut(reason)),
    }
}
