//! The key by which a consumer recognizes a repeated message.

use crate::domain::RunId;
use crate::domain::outbox::ClaimedMessage;

/// The id of the run that the message hands over.
pub(super) fn idempotency_key(message: &ClaimedMessage) -> String {
    // The hand-off message of a run has the run's UUID.
    RunId(message.id.0).to_string()
}
