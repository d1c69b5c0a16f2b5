//! The `polling` interface: what is new at the service.

use crate::contract::types::{PollError, PollPage, PollRequest};

/// Implemented by a provider that calls its service, with [`crate::http::fetch`].
pub trait Polling {
    /// Returns one page of what happened since the cursor.
    ///
    /// # Errors
    /// See [`PollError`]: each tells the host what to do next.
    fn poll(request: PollRequest) -> Result<PollPage, PollError>;
}
