//! Holds a group while it is polled, however long its service takes: the claim in the
//! database, which counts, and the lock in Redis, which is advisory.

use super::context::PollContext;
use crate::clock;
use crate::lock::{Acquired, LockGuard, Renewed};
use crate::store::ClaimedPoll;
use std::sync::Arc;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Renewals within one lease: two may fail before it expires.
const RENEWALS_PER_LEASE: u32 = 3;

/// Renews a claim until it is stopped or the claim is lost.
pub(super) struct LeaseKeeper {
    done: CancellationToken,
    task: JoinHandle<Option<LockGuard>>,
}

impl LeaseKeeper {
    /// Starts renewing. Cancels `halt` when the claim is lost.
    pub(super) fn start(
        context: &Arc<PollContext>,
        claim: &ClaimedPoll,
        mut lock: Option<LockGuard>,
        halt: CancellationToken,
    ) -> Self {
        let done = CancellationToken::new();
        let (context, claim, stop) = (Arc::clone(context), claim.clone(), done.clone());
        let task = tokio::spawn(async move {
            let claimed = async {
                tokio::select! {
                    () = stop.cancelled() => {}
                    () = keep_claim(&context, &claim) => halt.cancel(),
                }
                stop.cancel();
            };
            // Side by side: a slow Redis must not cost the claim.
            let locked = keep_lock(&context, &claim, &mut lock, &stop);
            tokio::join!(claimed, locked);
            lock
        });
        Self { done, task }
    }

    /// Stops renewing and releases the lock.
    pub(super) async fn stop(self) {
        self.done.cancel();
        if let Ok(Some(lock)) = self.task.await {
            lock.release().await;
        }
    }
}

/// Returns when the claim is lost.
async fn keep_claim(context: &PollContext, claim: &ClaimedPoll) {
    let lease = context.lease();
    let mut held_since = Instant::now();
    loop {
        tokio::time::sleep(lease / RENEWALS_PER_LEASE).await;
        let asked = Instant::now();
        match context.store.renew_poll(claim, clock::now(), lease).await {
            Ok(true) => held_since = asked,
            Ok(false) => return,
            Err(error) if held_since.elapsed() < lease => {
                tracing::warn!(group.id = %claim.group, %error, "could not renew the claim of a poll; will retry");
            }
            Err(_) => return,
        }
    }
}

/// Renews the lock until `stop`. Never drops a pending call: it may acquire a lock that
/// nobody would release.
async fn keep_lock(
    context: &PollContext,
    claim: &ClaimedPoll,
    lock: &mut Option<LockGuard>,
    stop: &CancellationToken,
) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(context.lease() / RENEWALS_PER_LEASE) => {}
        }
        renew(context, claim, lock).await;
    }
}

/// Renews the lock once. Without the lock the poll goes on: the claim still keeps others
/// out.
async fn renew(context: &PollContext, claim: &ClaimedPoll, lock: &mut Option<LockGuard>) {
    let renewed = match lock {
        Some(lock) => lock.renew().await,
        None => Renewed::Lost,
    };
    match renewed {
        Renewed::Held => {}
        // Redis may have restarted.
        Renewed::Lost => {
            let acquired = context.locks.acquire(claim.group, context.lease()).await;
            *lock = match acquired {
                Acquired::Held(lock) => Some(lock),
                Acquired::Busy | Acquired::Unavailable(_) => None,
            };
        }
        Renewed::Unavailable(reason) => {
            tracing::debug!(group.id = %claim.group, reason, "could not renew the lock of a poll");
        }
    }
}
