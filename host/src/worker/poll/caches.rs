//! What this process remembers of services, for the groups that it polled last.

use crate::domain::PollGroupId;
use crate::egress::ResponseCache;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Groups that are remembered; each may hold `egress.kept_bytes_max` bytes.
const GROUPS_MAX: usize = 128;

/// A [`ResponseCache`] for each group.
#[derive(Default)]
pub(super) struct Caches(Mutex<Remembered>);

#[derive(Default)]
struct Remembered {
    groups: HashMap<PollGroupId, (u64, Arc<ResponseCache>)>,
    uses: u64,
}

impl Caches {
    /// The group's own; an empty one if it is not remembered.
    pub(super) fn of(&self, group: PollGroupId) -> Arc<ResponseCache> {
        let mut remembered = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        remembered.uses += 1;
        let uses = remembered.uses;
        let entry = remembered.groups.entry(group).or_default();
        entry.0 = uses;
        let cache = Arc::clone(&entry.1);
        if remembered.groups.len() > GROUPS_MAX {
            let oldest = remembered.groups.iter().min_by_key(|(_, (used, _))| *used);
            if let Some(oldest) = oldest.map(|(group, _)| *group) {
                remembered.groups.remove(&oldest);
            }
        }
        cache
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_group_that_was_not_used_for_longest_is_forgotten() {
        let caches = Caches::default();
        let groups: Vec<PollGroupId> = (0..GROUPS_MAX).map(|_| PollGroupId::new()).collect();
        let first: Vec<_> = groups.iter().map(|group| caches.of(*group)).collect();
        let is_kept = |index: usize| Arc::ptr_eq(&first[index], &caches.of(groups[index]));
        assert!(is_kept(0));
        caches.of(PollGroupId::new());
        assert!(is_kept(0), "it was used since");
        assert!(!is_kept(1));
    }
}
