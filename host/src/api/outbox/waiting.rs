//! Consumers that wait: no organization's may crowd out the others'.

use crate::domain::OrgId;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How many consumers of each organization wait.
#[derive(Debug, Default)]
pub struct Waiting(Mutex<HashMap<OrgId, u32>>);

/// One that waits, until it is dropped.
#[derive(Debug)]
pub(super) struct Place<'a> {
    waiting: &'a Waiting,
    org: OrgId,
}

impl Waiting {
    fn counts(&self) -> MutexGuard<'_, HashMap<OrgId, u32>> {
        // Counting up or down cannot leave anything half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place to wait, unless as many of the organization wait already.
    pub(super) fn place(&self, org: &OrgId, max: u32) -> Option<Place<'_>> {
        let mut counts = self.counts();
        let count = counts.entry(org.clone()).or_default();
        if *count >= max {
            return None;
        }
        *count += 1;
        Some(Place {
            waiting: self,
            org: org.clone(),
        })
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut counts = self.waiting.counts();
        if let Some(count) = counts.get_mut(&self.org) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.org);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_organization_has_its_own_places_and_gets_them_back() {
        let waiting = Waiting::default();
        let (acme, other): (OrgId, OrgId) = ("acme".parse().unwrap(), "other".parse().unwrap());
        let one = waiting.place(&acme, 2);
        let two = waiting.place(&acme, 2);
        assert!(one.is_some() && two.is_some());
        assert!(waiting.place(&acme, 2).is_none());
        assert!(waiting.place(&other, 2).is_some());
        drop(one);
        assert!(waiting.place(&acme, 2).is_some());
        drop(two);
        assert!(waiting.counts().is_empty());
    }
}
