//! Holds a group while it is polled, however long its service takes.

use super::PollContext;
use crate::clock;
use crate::store::ClaimedPoll;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Renewals within one lease: two may fail before it lapses.
const RENEWALS_PER_LEASE: u32 = 3;

/// Renews a claim until it is stopped or lost.
pub(super) struct Keeper {
    lost: Arc<AtomicBool>,
    task: JoinHandle<()>,
}

impl Keeper {
    /// Starts; `halt` is cancelled when the claim is lost.
    pub(super) fn start(
        context: &Arc<PollContext>,
        claim: &ClaimedPoll,
        halt: CancellationToken,
    ) -> Self {
        let lost = Arc::new(AtomicBool::new(false));
        let (context, claim, flag) = (Arc::clone(context), claim.clone(), Arc::clone(&lost));
        let task = tokio::spawn(async move {
            keep(&context, &claim).await;
            flag.store(true, Ordering::Release);
            halt.cancel();
        });
        Self { lost, task }
    }

    /// Stops; whether the claim was lost.
    pub(super) fn stop(self) -> bool {
        self.lost.load(Ordering::Acquire)
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Returns when the claim is lost.
async fn keep(context: &PollContext, claim: &ClaimedPoll) {
    let lease = context.lease();
    let mut held_since = Instant::now();
    loop {
        tokio::time::sleep(lease / RENEWALS_PER_LEASE).await;
        let asked = Instant::now();
        match context.store.renew_poll(claim, clock::now(), lease).await {
            Ok(true) => held_since = asked,
            Ok(false) => return,
            Err(error) if held_since.elapsed() < lease => {
                tracing::warn!(group.id = %claim.group, %error, "could not renew the claim of a poll; trying again");
            }
            Err(_) => return,
        }
    }
}
