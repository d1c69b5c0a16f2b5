//! The response caches of the groups that this process polled last.

use crate::domain::PollGroupId;
use crate::egress::ResponseCache;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Groups with a cache; each may hold `egress.kept_bytes_max` bytes.
const GROUPS_MAX: usize = 128;

/// A [`ResponseCache`] per group. The least recently used one is evicted.
#[derive(Default)]
pub(super) struct Caches(Mutex<LeastRecentlyUsed>);

#[derive(Default)]
struct LeastRecentlyUsed {
    groups: HashMap<PollGroupId, (u64, Arc<ResponseCache>)>,
    uses: u64,
}

impl Caches {
    /// The group's cache, which may be new and empty.
    pub(super) fn of(&self, group: PollGroupId) -> Arc<ResponseCache> {
        let mut lru = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lru.uses += 1;
        let uses = lru.uses;
        let entry = lru.groups.entry(group).or_default();
        entry.0 = uses;
        let cache = Arc::clone(&entry.1);
        if lru.groups.len() > GROUPS_MAX {
            let oldest = lru.groups.iter().min_by_key(|(_, (used, _))| *used);
            if let Some(oldest) = oldest.map(|(group, _)| *group) {
                lru.groups.remove(&oldest);
            }
        }
        cache
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_recently_used_cache_is_evicted() {
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
