//! How many bytes of bodies the worker holds, and so how many deliveries it may
//! claim.
//!
//! How large a body is shows only once it is claimed. So a claim expects bodies like
//! the largest of the last claim: where small ones are followed by large ones, one
//! claim may go beyond the limit, and the next ones wait until that is worked off.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::Notify;

/// Counts what [`Held`] stands for.
#[derive(Debug)]
pub(super) struct Load {
    bytes_max: usize,
    bytes: AtomicUsize,
    /// The largest body of the last claim.
    expected: AtomicUsize,
    freed: Notify,
}

impl Load {
    pub(super) fn new(bytes_max: usize) -> Arc<Self> {
        Arc::new(Self {
            bytes_max,
            bytes: AtomicUsize::new(0),
            expected: AtomicUsize::new(0),
            freed: Notify::new(),
        })
    }

    /// How many deliveries may be claimed: at least one and at most `max`. Waits
    /// while the limit is reached. For one claimer alone.
    pub(super) async fn room(&self, max: usize) -> usize {
        loop {
            if let Some(count) = self.fits() {
                return count.min(max);
            }
            self.freed.notified().await;
        }
    }

    fn fits(&self) -> Option<usize> {
        let left = self
            .bytes_max
            .saturating_sub(self.bytes.load(Ordering::Acquire));
        let expected = self.expected.load(Ordering::Relaxed).max(1);
        (left > 0).then_some((left / expected).max(1))
    }

    /// Counts the bodies of a claim, of these sizes, each for as long as its
    /// [`Held`] lives.
    pub(super) fn hold(self: &Arc<Self>, sizes: impl Iterator<Item = usize>) -> Vec<Held> {
        let held: Vec<Held> = sizes
            .map(|bytes| {
                self.bytes.fetch_add(bytes, Ordering::AcqRel);
                let load = Arc::clone(self);
                Held { load, bytes }
            })
            .collect();
        if let Some(largest) = held.iter().map(|held| held.bytes).max() {
            self.expected.store(largest, Ordering::Relaxed);
        }
        held
    }
}

/// A body in memory.
#[derive(Debug)]
pub(super) struct Held {
    load: Arc<Load>,
    bytes: usize,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.load.bytes.fetch_sub(self.bytes, Ordering::AcqRel);
        // Kept for a claimer that is about to wait.
        self.load.freed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use tokio::time::timeout;

    #[tokio::test]
    async fn claims_shrink_with_what_is_left_and_wait_when_nothing_is() {
        let load = Load::new(100);
        assert_eq!(load.room(8).await, 8, "nothing is known yet");
        let mut held = load.hold([10, 20].into_iter());
        assert_eq!(load.room(8).await, 3, "70 bytes are left for bodies of 20");
        let large = load.hold([90].into_iter());
        let soon = Duration::from_millis(20);
        assert!(timeout(soon, load.room(8)).await.is_err());
        held.truncate(1);
        assert!(
            timeout(soon, load.room(8)).await.is_err(),
            "full to the byte"
        );
        held.clear();
        assert_eq!(
            load.room(8).await,
            1,
            "one always fits while anything is left"
        );
        drop(large);
        let _small = load.hold([1].into_iter());
        assert_eq!(load.room(8).await, 8);
    }
}
