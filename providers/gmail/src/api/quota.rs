//! The costs of requests and the units left for one call. Refuses a request before it is sent.
//! Remembers nothing beyond the call; [`crate::cursor::Spent`] does.
//!
//! The prices come from Google's table "Per-method quota usage", for projects since May 2026.

use super::Failure;
use std::cell::Cell;

/// `users.getProfile`.
pub const PROFILE_UNITS: u32 = 1;
/// `users.history.list`.
pub const HISTORY_UNITS: u32 = 2;
/// `users.messages.list`.
pub const MESSAGES_UNITS: u32 = 5;
/// `users.messages.get`. Older projects pay 5.
pub const MESSAGE_UNITS: u32 = 20;
/// `users.labels.list`.
pub const LABELS_UNITS: u32 = 1;

/// The units that a call needs to make progress: the profile, and a message with the names of its
/// labels. A page of either list costs less.
pub const CALL_UNITS_MIN: u32 = PROFILE_UNITS + MESSAGE_UNITS + LABELS_UNITS;

/// The units of one call.
#[derive(Debug)]
pub struct Quota {
    left: Cell<u32>,
    spent: Cell<u32>,
}

impl Quota {
    /// A quota of so many units.
    pub fn new(units: u32) -> Self {
        Self {
            left: Cell::new(units),
            spent: Cell::new(0),
        }
    }

    /// Pays for a request before it is sent. Google may also count requests that fail.
    ///
    /// # Errors
    /// [`Failure::QuotaUsed`] if fewer units are left; then nothing is paid.
    pub(super) fn pay(&self, units: u32) -> Result<(), Failure> {
        let left = self.left.get().checked_sub(units);
        self.left.set(left.ok_or(Failure::QuotaUsed)?);
        self.spent.set(self.spent.get().saturating_add(units));
        Ok(())
    }

    /// True if so many units are left.
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
    fn the_minimum_of_a_call_pays_for_any_first_request() {
        let left = CALL_UNITS_MIN - PROFILE_UNITS;
        for units in [HISTORY_UNITS, MESSAGES_UNITS, MESSAGE_UNITS + LABELS_UNITS] {
            assert!(left >= units);
        }
    }
}
