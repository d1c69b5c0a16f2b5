//! Checks a page of a poll against the limits of the contract.

use crate::domain::limits::CURSOR_BYTES_MAX;
use crate::domain::poll::PollPage;
use crate::provider::error::GuestError;
use crate::provider::events::check_events;
use serde::de::IgnoredAny;

/// Checks a page, which may have `events_max` events.
///
/// # Errors
/// [`GuestError::OutputTooLarge`] or [`GuestError::BadOutput`]. A page is taken whole or not
/// at all: its cursor moves past all of its events.
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
