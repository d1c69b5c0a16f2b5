//! Counters with a limit per key: the messages in flight to each sink, the consumers of
//! each organization that wait. One key never uses up another key's share.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// Permits, up to a limit per key.
#[derive(Debug)]
pub struct KeyedPermits<K: Eq + Hash> {
    taken: Mutex<HashMap<K, u32>>,
    max: u32,
    returned: Notify,
}

/// One permit, which returns when it is dropped.
#[derive(Debug)]
pub struct Permit<K: Eq + Hash> {
    of: Arc<KeyedPermits<K>>,
    key: K,
}

impl<K: Eq + Hash + Clone> KeyedPermits<K> {
    /// Allows `max` permits per key.
    pub fn new(max: u32) -> Arc<Self> {
        Arc::new(Self {
            taken: Mutex::default(),
            max,
            returned: Notify::new(),
        })
    }

    /// The number of permits that are free for a key.
    pub fn free(&self, key: &K) -> u32 {
        let taken = self.taken().get(key).copied().unwrap_or(0);
        self.max.saturating_sub(taken)
    }

    /// Takes a permit; none if all of the key's permits are taken.
    pub fn try_take(self: &Arc<Self>, key: K) -> Option<Permit<K>> {
        let mut taken = self.taken();
        let count = taken.get(&key).copied().unwrap_or(0);
        if count >= self.max {
            return None;
        }
        taken.insert(key.clone(), count + 1);
        let of = Arc::clone(self);
        Some(Permit { of, key })
    }

    /// Returns once a permit has returned since the last call.
    pub async fn returned(&self) {
        self.returned.notified().await;
    }
}

impl<K: Eq + Hash> KeyedPermits<K> {
    fn taken(&self) -> MutexGuard<'_, HashMap<K, u32>> {
        // No change to a counter can be left half done.
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Eq + Hash> Drop for Permit<K> {
    fn drop(&mut self) {
        let mut taken = self.of.taken();
        if let Some(count) = taken.get_mut(&self.key) {
            *count -= 1;
            if *count == 0 {
                taken.remove(&self.key);
            }
        }
        drop(taken);
        self.of.returned.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_key_is_full_until_a_permit_has_returned() {
        let permits = KeyedPermits::new(2);
        let one = permits.try_take("acme");
        let two = permits.try_take("acme");
        assert!(one.is_some() && two.is_some());
        assert_eq!(permits.free(&"acme"), 0);
        assert!(permits.try_take("acme").is_none());
        assert_eq!(permits.free(&"other"), 2, "another key is not full");
        drop(one);
        permits.returned().await;
        assert_eq!(permits.free(&"acme"), 1);
        drop(two);
        assert!(permits.taken().is_empty());
    }
}
