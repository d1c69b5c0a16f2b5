//! The slots of polls, shared among organizations. The organization with the fewest running
//! polls is next, none has more than a maximum, and a poll of many pages yields to others.

use crate::domain::OrgId;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Who polls and who waits.
#[derive(Debug, Default)]
struct Shares {
    /// Polls that may run at the same time, of all organizations …
    slots: usize,
    /// … and of one.
    organization_max: usize,
    running: HashMap<OrgId, usize>,
    waiting: HashSet<OrgId>,
}

impl Shares {
    fn running(&self, org: &OrgId) -> usize {
        self.running.get(org).copied().unwrap_or(0)
    }

    /// The place of the group that is polled next, of groups with these organizations, the
    /// longest waiting first. None if there is no slot for any of them.
    fn next<'a>(&self, due: impl Iterator<Item = &'a OrgId>) -> Option<usize> {
        if self.running.values().sum::<usize>() >= self.slots {
            return None;
        }
        let due = due.map(|org| self.running(org)).enumerate();
        let allowed = due.filter(|(_, running)| *running < self.organization_max);
        // The first one of those with the same number.
        let next = allowed.min_by_key(|(place, running)| (*running, *place));
        next.map(|(place, _)| place)
    }

    /// True if an organization has more than its share while another one waits.
    fn must_yield(&self, org: &OrgId) -> bool {
        let others_wait = self.waiting.iter().any(|waiting| waiting != org);
        let polling = self.running.keys().chain(&self.waiting);
        let organizations = polling.collect::<HashSet<_>>().len().max(1);
        others_wait && self.running(org) > (self.slots / organizations).max(1)
    }
}

/// The shares of one process.
#[derive(Clone, Debug)]
pub(super) struct PollShares(Arc<Mutex<Shares>>);

/// A slot; dropping it frees it.
#[derive(Debug)]
pub(super) struct PollSlot {
    shares: PollShares,
    org: OrgId,
}

impl PollShares {
    pub(super) fn new(slots: usize, organization_max: usize) -> Self {
        Self(Arc::new(Mutex::new(Shares {
            slots,
            organization_max,
            ..Shares::default()
        })))
    }

    /// The place of the group that is polled next, and its slot.
    pub(super) fn take<'a>(
        &self,
        due: impl Iterator<Item = &'a OrgId> + Clone,
    ) -> Option<(usize, PollSlot)> {
        let mut shares = self.lock();
        let place = shares.next(due.clone())?;
        let org = due.clone().nth(place)?.clone();
        *shares.running.entry(org.clone()).or_default() += 1;
        let shares = self.clone();
        Some((place, PollSlot { shares, org }))
    }

    /// Notes whose groups are due and have no slot.
    pub(super) fn wait(&self, waiting: HashSet<OrgId>) {
        self.lock().waiting = waiting;
    }

    fn lock(&self) -> MutexGuard<'_, Shares> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl PollSlot {
    /// True if others wait for it, and its organization has more slots than its share.
    pub(super) fn must_yield(&self) -> bool {
        self.shares.lock().must_yield(&self.org)
    }
}

impl Drop for PollSlot {
    fn drop(&mut self) {
        let mut shares = self.shares.lock();
        if let Some(running) = shares.running.get_mut(&self.org) {
            *running -= 1;
            if *running == 0 {
                shares.running.remove(&self.org);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn org(name: &str) -> OrgId {
        name.parse().unwrap()
    }

    /// Takes slots for due groups of these organizations until none is left.
    fn taken(shares: &PollShares, due: &[&str]) -> Vec<(String, PollSlot)> {
        let mut due: Vec<OrgId> = due.iter().map(|name| org(name)).collect();
        let mut taken = Vec::new();
        while let Some((place, slot)) = shares.take(due.iter()) {
            taken.push((due.remove(place).as_str().to_owned(), slot));
        }
        shares.wait(due.into_iter().collect());
        taken
    }

    fn names(taken: &[(String, PollSlot)]) -> Vec<&str> {
        taken.iter().map(|(name, _)| name.as_str()).collect()
    }

    #[test]
    fn organizations_take_turns_and_the_longest_waiting_is_first() {
        let shares = PollShares::new(5, 5);
        let taken = taken(&shares, &["a", "a", "a", "a", "b", "c", "b"]);
        assert_eq!(names(&taken), ["a", "b", "c", "a", "b"]);
    }

    #[test]
    fn one_organization_never_has_all_slots() {
        let shares = PollShares::new(16, 12);
        let mailboxes = ["a"; 40];
        let of_a = taken(&shares, &mailboxes);
        assert_eq!(of_a.len(), 12);
        let of_b = taken(&shares, &["b", "a"]);
        assert_eq!(names(&of_b), ["b"], "it is polled at once");
    }

    #[test]
    fn who_has_more_than_a_share_yields_when_others_wait() {
        let shares = PollShares::new(4, 4);
        let mut of_a = taken(&shares, &["a", "a", "a", "a", "a"]);
        assert_eq!(of_a.len(), 4);
        assert!(!of_a[0].1.must_yield(), "nobody else waits");
        assert!(taken(&shares, &["a", "b"]).is_empty());
        assert!(of_a[0].1.must_yield());
        of_a.truncate(2);
        let of_b = taken(&shares, &["a", "b", "b", "b"]);
        assert_eq!(names(&of_b), ["b", "b"]);
        assert!(
            !of_a[0].1.must_yield() && !of_b[0].1.must_yield(),
            "both have half"
        );
    }
}
