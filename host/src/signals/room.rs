//! One topic: who waits for it, and what leaves for other replicas.

use std::collections::HashSet;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use tokio::sync::Notify;

/// The most keys that are kept for a waiter. Beyond that everything is raised.
const KEYS_MAX: usize = 1_000;

/// The keys that were raised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Raised<K: Eq + Hash> {
    /// Any key may have been.
    All,
    /// These.
    Keys(HashSet<K>),
}

impl<K: Eq + Hash + Clone> Raised<K> {
    /// One key; all of them if there is none.
    fn of(key: Option<K>) -> Self {
        key.map_or(Self::All, |key| Self::Keys(HashSet::from([key])))
    }

    /// True if `key` was raised.
    pub fn concerns(&self, key: &K) -> bool {
        match self {
            Self::All => true,
            Self::Keys(keys) => keys.contains(key),
        }
    }

    fn add(&mut self, other: &Self) {
        match (&mut *self, other) {
            (Self::Keys(keys), Self::Keys(more)) => {
                keys.extend(more.iter().cloned());
                if keys.len() > KEYS_MAX {
                    *self = Self::All;
                }
            }
            (this, Self::All) => *this = Self::All,
            (Self::All, _) => {}
        }
    }
}

/// Signals that a waiter has not seen yet.
#[derive(Debug)]
struct Mailbox<K: Eq + Hash> {
    raised: Mutex<Option<Raised<K>>>,
    bell: Notify,
}

impl<K: Eq + Hash> Default for Mailbox<K> {
    fn default() -> Self {
        Self {
            raised: Mutex::default(),
            bell: Notify::new(),
        }
    }
}

impl<K: Eq + Hash + Clone> Mailbox<K> {
    fn put(&self, raised: &Raised<K>) {
        match &mut *locked(&self.raised) {
            Some(before) => before.add(raised),
            none => *none = Some(raised.clone()),
        }
        self.bell.notify_one();
    }

    /// Waits for a signal. Nothing is lost if the caller stops waiting.
    async fn take(&self) -> Raised<K> {
        loop {
            if let Some(raised) = locked(&self.raised).take() {
                return raised;
            }
            self.bell.notified().await;
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // No change can be left half done.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The waiters of one topic.
#[derive(Debug)]
pub(super) struct Room<K: Eq + Hash> {
    waiters: Mutex<Vec<Weak<Mailbox<K>>>>,
    outgoing: Mailbox<K>,
}

impl<K: Eq + Hash> Default for Room<K> {
    fn default() -> Self {
        Self {
            waiters: Mutex::default(),
            outgoing: Mailbox::default(),
        }
    }
}

impl<K: Eq + Hash + Clone> Room<K> {
    /// Raises a key, or all keys, here and on other replicas.
    pub(super) fn raise(&self, key: Option<K>) {
        let raised = Raised::of(key);
        self.wake(&raised);
        self.outgoing.put(&raised);
    }

    /// Wakes the waiters of this process.
    pub(super) fn wake(&self, raised: &Raised<K>) {
        for waiter in &*locked(&self.waiters) {
            if let Some(mailbox) = waiter.upgrade() {
                mailbox.put(raised);
            }
        }
    }

    /// Waits for keys that were raised in this process.
    pub(super) async fn outgoing(&self) -> Raised<K> {
        self.outgoing.take().await
    }

    pub(super) fn waiter(&self) -> Waiter<K> {
        let mailbox = Arc::default();
        let mut waiters = locked(&self.waiters);
        waiters.retain(|waiter| waiter.strong_count() > 0);
        waiters.push(Arc::downgrade(&mailbox));
        Waiter(mailbox)
    }
}

/// Waits for one topic. Sees every signal since its creation.
#[derive(Debug)]
pub struct Waiter<K: Eq + Hash>(Arc<Mailbox<K>>);

impl<K: Eq + Hash + Clone> Waiter<K> {
    /// Returns the keys that were raised since the last return, once there are any. A
    /// caller may stop waiting at any time and loses nothing.
    pub async fn raised(&mut self) -> Raised<K> {
        self.0.take().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn too_many_keys_are_all_keys() {
        let room = Room::default();
        let mut waiter = room.waiter();
        for key in 0..KEYS_MAX {
            room.raise(Some(key));
        }
        assert!(matches!(waiter.raised().await, Raised::Keys(keys) if keys.len() == KEYS_MAX));
        for key in 0..=KEYS_MAX {
            room.raise(Some(key));
        }
        assert_eq!(waiter.raised().await, Raised::All);
        drop(waiter);
        drop(room.waiter());
        assert_eq!(locked(&room.waiters).len(), 1, "gone waiters are forgotten");
    }
}
