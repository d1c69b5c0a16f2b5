//! What requests cost, and what one call may still spend. Refuses a request before it
//! is sent. Remembers nothing beyond the call: that is [`crate::cursor::Spent`].
//!
//! The prices are those of Google's table "Per-method quota usage", for projects since
//! May 2026.

use super::Failure;
use std::cell::Cell;

/// `users.getProfile`.
pub const PROFILE_UNITS: u32 = 1;
/// `users.history.list`.
pub const HISTORY_UNITS: u32 = 2;
/// `users.messages.list`.
pub const MESSAGES_UNITS: u32 = 5;
/// `users.messages.get`. Projects from before May 2026 pay 5.
pub const MESSAGE_UNITS: u32 = 20;
/// `users.labels.list`.
pub const LABELS_UNITS: u32 = 1;

/// What a call needs in order to get anywhere: whose mailbox it is, and a message with
/// the names of its labels. A page of either list costs less.
pub const CALL_UNITS_MIN: u32 = PROFILE_UNITS + MESSAGE_UNITS + LABELS_UNITS;

/// The units of one call.
#[derive(Debug)]
pub struct Quota {
    left: Cell<u32>,
    spent: Cell<u32>,
}

impl Quota {
    /// So many units may be spent.
    pub fn new(units: u32) -> Self {
        Self {
            left: Cell::new(units),
            spent: Cell::new(0),
        }
    }

    /// Pays for a request before it is sent, whatever becomes of it: nothing says that
    /// Google does not count one that fails.
    ///
    /// # Errors
    /// [`Failure::QuotaUsed`], if not so many units are left; then nothing is paid.
    pub(super) fn pay(&self, units: u32) -> Result<(), Failure> {
        let left = self.left.get().checked_sub(units);
        self.left.set(left.ok_or(Failure::QuotaUsed)?);
        self.spent.set(self.spent.get().saturating_add(units));
        Ok(())
    }

    /// Whether so many units are left.
    pub fn has(&self, units: u32) -> bool {
        self.left.get() >= units
    }

    /// Units spent in this call.
    pub fn spent(&self) -> u32 {
        self.spent.get()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_paid_in_full_or_not_at_all() {
        let quota = Quota::new(MESSAGE_UNITS + 1);
        assert_eq!(quota.pay(MESSAGE_UNITS), Ok(()));
        assert_eq!(quota.pay(HISTORY_UNITS), Err(Failure::QuotaUsed));
        assert_eq!(quota.spent(), MESSAGE_UNITS);
        assert!(quota.has(1) && !quota.has(2));
        assert_eq!(quota.pay(PROFILE_UNITS), Ok(()));
        assert_eq!(quota.spent(), MESSAGE_UNITS + 1);
    }

    #[test]
    fn the_least_that_a_call_needs_pays_for_whatever_it_begins_with() {
        let left = CALL_UNITS_MIN - PROFILE_UNITS;
        for units in [HISTORY_UNITS, MESSAGES_UNITS, MESSAGE_UNITS + LABELS_UNITS] {
            assert!(left >= units);
        }
    }
}
