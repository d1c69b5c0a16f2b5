//! The age of rows that are deleted.

use crate::domain::Timestamp;

/// The age from which rows are deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Horizon {
    /// Rows that ended, or were created, before this time are old.
    pub before: Timestamp,
    /// The deduplication keys of rows from this time or later must stay.
    pub keys_since: Timestamp,
}
