//! The places in the outbox where claims start to look.
//!
//! A message that was claimed or settled leaves a dead entry in the index. Vacuum cannot
//! remove it while a transaction somewhere holds a snapshot: a dump, or one that somebody
//! forgot. Claims would read all of them again and again, so a process remembers, for each
//! organization, up to where nothing is left.
//!
//! Owns: these marks, and when a look ignores them. A transaction that commits late leaves
//! a message behind the mark; a look from the very start finds it. The more such a look
//! costs, the rarer it is.
//! Never does: SQL. Embedded databases need no marks and have none.

use super::due;
use crate::domain::{OrgId, Timestamp};
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The distance of a mark from the last message that was claimed: for transactions that
/// commit in another order, and for clocks that differ.
const MARGIN: Duration = Duration::from_secs(1);
/// The shortest time between two looks from the very start.
const WHOLE_PAUSE: Duration = Duration::from_secs(1);
/// Looks from the very start take no more than one part in this many of the time.
const WHOLE_SHARE: u32 = 50;
/// The most organizations that are remembered.
const ORGS_MAX: usize = 10_000;

/// The due times in which a look finds messages: after the first one, up to the second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) struct Range(
    pub(in crate::store) Timestamp,
    pub(in crate::store) Timestamp,
);

/// The ranges of one look.
#[derive(Clone, Copy, Debug)]
pub(in crate::store) struct Look {
    /// Messages that were due at once.
    pub(in crate::store) at_once: Range,
    /// Retries and leases whose time has come.
    pub(in crate::store) timed: Range,
    /// The kind that is claimed first, at random: neither waits for the other.
    pub(in crate::store) timed_first: bool,
    /// The beginning of a look from the very start.
    whole: Option<Instant>,
}

#[derive(Debug)]
struct Mark {
    at_once: Timestamp,
    timed: Timestamp,
    /// The last look from the very start, and the pause until the next one.
    whole_at: Instant,
    pause: Duration,
}

/// The marks of a process.
#[derive(Debug)]
pub(in crate::store) struct Marks {
    marks: Mutex<HashMap<OrgId, Mark>>,
    is_embedded: bool,
}

impl Marks {
    /// Marks for a database; none for an embedded one.
    pub(in crate::store) fn new(is_embedded: bool) -> Self {
        Self {
            marks: Mutex::default(),
            is_embedded,
        }
    }

    fn marks(&self) -> MutexGuard<'_, HashMap<OrgId, Mark>> {
        // No change can be left half done, and a lost mark costs one look.
        self.marks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The ranges of a look at `now`.
    pub(in crate::store) fn look(&self, org: &OrgId, now: Timestamp) -> Look {
        let boundary = due::boundary(now);
        let look = |after_at_once: Timestamp, after_timed: Timestamp| Look {
            at_once: Range(after_at_once.min(boundary), boundary),
            timed: Range(after_timed.clamp(boundary, now), now),
            timed_first: rand::random(),
            whole: None,
        };
        let whole = Look {
            whole: Some(Instant::now()),
            ..look(Timestamp(0), boundary)
        };
        let mut marks = self.marks();
        let Some(mark) = marks.get_mut(org) else {
            return whole;
        };
        if mark.whole_at.elapsed() >= mark.pause {
            // Others look from their mark meanwhile.
            mark.whole_at = Instant::now();
            whole
        } else {
            // A clock may have gone back.
            look(
                mark.at_once.min(due::at_once(now) - MARGIN),
                mark.timed.min(now - MARGIN),
            )
        }
    }

    /// Notes what a look found. `last` is the due time of the last message that it took,
    /// and `is_all` says that it left none.
    pub(in crate::store) fn looked(
        &self,
        org: &OrgId,
        look: &Look,
        last: impl Iterator<Item = Timestamp>,
        is_all: bool,
    ) {
        if self.is_embedded {
            return;
        }
        let (mut at_once, mut timed) = (None, None);
        for due_at in last {
            let newest = match due_at <= look.at_once.1 {
                true => &mut at_once,
                false => &mut timed,
            };
            *newest = (*newest).max(Some(due_at));
        }
        if is_all {
            let now = look.timed.1;
            (at_once, timed) = (Some(due::at_once(now)), Some(now));
        }
        let mut marks = self.marks();
        if !marks.contains_key(org) {
            if marks.len() >= ORGS_MAX {
                marks.clear();
            }
            let mark = Mark {
                at_once: Timestamp(0),
                timed: Timestamp(0),
                whole_at: Instant::now(),
                pause: WHOLE_PAUSE,
            };
            marks.insert(org.clone(), mark);
        }
        let Some(mark) = marks.get_mut(org) else {
            return;
        };
        if let Some(at_once) = at_once {
            mark.at_once = mark.at_once.max(at_once - MARGIN);
        }
        if let Some(timed) = timed {
            mark.timed = mark.timed.max(timed - MARGIN);
        }
        if let Some(began) = look.whole {
            mark.pause = WHOLE_PAUSE.max(began.elapsed() * WHOLE_SHARE);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_800_000_000_000_000);
    const SECOND: Duration = Duration::from_secs(1);

    fn org() -> OrgId {
        "acme".parse().unwrap()
    }

    /// A look, after an earlier one that took messages with these due times.
    fn after(last: &[Timestamp], is_all: bool, later: Duration) -> Look {
        let marks = Marks::new(false);
        let first = marks.look(&org(), NOW);
        assert!(first.whole.is_some());
        marks.looked(&org(), &first, last.iter().copied(), is_all);
        marks.look(&org(), NOW + later)
    }

    #[test]
    fn a_look_starts_a_little_before_the_last_message_that_was_taken() {
        let due_at = due::at_once(NOW - 10 * SECOND);
        let next = after(&[due_at - SECOND, due_at], false, SECOND);
        assert_eq!(next.at_once.0, due_at - MARGIN);
        assert_eq!(
            next.timed.0,
            due::boundary(NOW + SECOND),
            "all of them are left"
        );
        let next = after(&[due_at, NOW - 60 * SECOND], false, SECOND);
        assert_eq!(next.timed, Range(NOW - 60 * SECOND - MARGIN, NOW + SECOND));
        let next = after(&[due_at], true, 5 * SECOND);
        assert_eq!(next.timed.0, NOW - MARGIN);
        assert!(next.whole.is_none());
    }

    #[test]
    fn a_clock_that_went_back_hides_nothing() {
        let next = after(&[NOW], true, Duration::ZERO);
        assert!(next.timed.0 <= NOW - MARGIN);
        let marks = Marks::new(false);
        let look = marks.look(&org(), NOW);
        marks.looked(&org(), &look, [].into_iter(), true);
        let earlier = marks.look(&org(), NOW - 60 * SECOND);
        assert_eq!(earlier.timed.0, NOW - 60 * SECOND - MARGIN);
    }

    #[test]
    fn an_expensive_look_from_the_very_start_is_rare() {
        let marks = Marks::new(false);
        let mut look = marks.look(&org(), NOW);
        look.whole = Instant::now().checked_sub(SECOND);
        marks.looked(&org(), &look, [].into_iter(), true);
        let pause = marks.marks()[&org()].pause;
        assert!(pause >= 50 * SECOND, "{pause:?}");
        assert!(marks.look(&org(), NOW).whole.is_none());
        marks.marks().get_mut(&org()).unwrap().pause = Duration::ZERO;
        assert!(marks.look(&org(), NOW).whole.is_some());
    }
}
