//! Due times that hold by every clock.
//!
//! Replicas' clocks differ. A message that is due at once is due a day ago by the clock of
//! its writer, so it is due by the clock of every reader. Among themselves such messages
//! keep their order.

use crate::domain::Timestamp;
use std::time::Duration;

/// The time that the due time of a message lies before the moment from which it is due.
const HEAD_START: Duration = Duration::from_secs(24 * 60 * 60);

/// The due time of a message that is due at once.
pub(in crate::store) fn at_once(now: Timestamp) -> Timestamp {
    now - HEAD_START
}

/// The due time of a message that is due at `at`.
pub(in crate::store) fn at(at: Timestamp, now: Timestamp) -> Timestamp {
    if at <= now { at_once(now) } else { at }
}

/// Separates messages that were due at once from those whose time came. One that is on the
/// wrong side is due all the same: both are claimed.
pub(super) fn boundary(now: Timestamp) -> Timestamp {
    now - HEAD_START / 2
}
