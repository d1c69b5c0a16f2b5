//! A limit on the bytes of bodies in memory, and so on the deliveries of a claim.
//!
//! A body's size is known only once it is claimed. A claim therefore expects bodies as
//! large as the largest of the last claim. When large bodies follow small ones, one claim
//! may exceed the limit; the next one waits until those are processed.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::Notify;

/// The bytes that all [`HeldBody`] values hold together.
#[derive(Debug)]
pub(super) struct BodyBudget {
    bytes_max: usize,
    bytes: AtomicUsize,
    /// The largest body of the last claim.
    expected: AtomicUsize,
    freed: Notify,
}

impl BodyBudget {
    pub(super) fn new(bytes_max: usize) -> Arc<Self> {
        Arc::new(Self {
            bytes_max,
            bytes: AtomicUsize::new(0),
            expected: AtomicUsize::new(0),
            freed: Notify::new(),
        })
    }

    /// The number of deliveries to claim, from one to `max`. Waits while the budget is
    /// used up. Only one claimer may call it.
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

    /// Counts the bodies of a claim, each until its [`HeldBody`] is dropped.
    pub(super) fn hold(self: &Arc<Self>, sizes: impl Iterator<Item = usize>) -> Vec<HeldBody> {
        let held: Vec<HeldBody> = sizes
            .map(|bytes| {
                self.bytes.fetch_add(bytes, Ordering::AcqRel);
                let budget = Arc::clone(self);
                HeldBody { budget, bytes }
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
pub(super) struct HeldBody {
    budget: Arc<BodyBudget>,
    bytes: usize,
}

impl Drop for HeldBody {
    fn drop(&mut self) {
        self.budget.bytes.fetch_sub(self.bytes, Ordering::AcqRel);
        // Also reaches a claimer that is only about to wait.
        self.budget.freed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use tokio::time::timeout;

    #[tokio::test]
    async fn claims_shrink_with_the_remaining_budget_and_wait_when_it_is_used_up() {
        let budget = BodyBudget::new(100);
        assert_eq!(budget.room(8).await, 8, "nothing is known yet");
        let mut held = budget.hold([10, 20].into_iter());
        assert_eq!(
            budget.room(8).await,
            3,
            "70 bytes are left for bodies of 20"
        );
        let large = budget.hold([90].into_iter());
        let soon = Duration::from_millis(20);
        assert!(timeout(soon, budget.room(8)).await.is_err());
        held.truncate(1);
        assert!(
            timeout(soon, budget.room(8)).await.is_err(),
            "full to the byte"
        );
        held.clear();
        assert_eq!(
            budget.room(8).await,
            1,
            "one always fits while anything is left"
        );
        drop(large);
        let _small = budget.hold([1].into_iter());
        assert_eq!(budget.room(8).await, 8);
    }
}
