//! The CPU time of a call: the time for which it holds a thread. Time in which its future is
//! suspended (in a host function, or while others run) does not count, so a busy host never
//! makes a guest look slow.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Measures one call at a time. The call's future and the epoch callback share it; the
/// callback runs within the future, so the order of memory accesses does not matter.
#[derive(Clone, Debug)]
pub(crate) struct Meter(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    base: Instant,
    /// Nanoseconds of all finished polls of the future.
    spent: AtomicU64,
    /// Nanoseconds from `base` to the start of the current poll.
    resumed: AtomicU64,
    /// Nanoseconds that the call may spend.
    budget: AtomicU64,
}

impl Meter {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Inner {
            base: Instant::now(),
            spent: AtomicU64::new(0),
            resumed: AtomicU64::new(0),
            budget: AtomicU64::new(0),
        }))
    }

    /// Starts the next call at zero.
    pub(crate) fn reset(&self, budget: Duration) {
        let budget = u64::try_from(budget.as_nanos()).unwrap_or(u64::MAX);
        self.0.budget.store(budget, Ordering::Relaxed);
        self.0.spent.store(0, Ordering::Relaxed);
        self.0.resumed.store(self.now(), Ordering::Relaxed);
    }

    /// The CPU time of finished polls; exact once the call has ended.
    pub(crate) fn spent(&self) -> Duration {
        Duration::from_nanos(self.0.spent.load(Ordering::Relaxed))
    }

    /// True if the budget is used up. For use within the call.
    pub(crate) fn is_overspent(&self) -> bool {
        let resumed = self.0.resumed.load(Ordering::Relaxed);
        let running = self.now().saturating_sub(resumed);
        let spent = self.0.spent.load(Ordering::Relaxed);
        spent.saturating_add(running) >= self.0.budget.load(Ordering::Relaxed)
    }

    /// Runs `call` and measures its polls.
    pub(crate) async fn measure<F: Future>(&self, call: F) -> F::Output {
        let mut call = pin!(call);
        std::future::poll_fn(|context| {
            let started = self.now();
            self.0.resumed.store(started, Ordering::Relaxed);
            let result = call.as_mut().poll(context);
            self.0
                .spent
                .fetch_add(self.now().saturating_sub(started), Ordering::Relaxed);
            result
        })
        .await
    }

    fn now(&self) -> u64 {
        // A `u64` holds 584 years.
        u64::try_from(self.0.base.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}
