//! Renews the lease of this process, and returns deliveries to their lanes: retries that are
//! due, deliveries of a dead worker or of a claim whose answer was lost, and those that the
//! version before has stored.

use super::context::InboxContext;
use super::work::Work;
use crate::clock;
use crate::measure;
use crate::signals::Signal;
use crate::store::StoreError;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// The lease is renewed this many times before it would lapse.
const RENEWALS: u32 = 4;

/// The time between two looks for dead letters of the version before.
const ADOPT_EVERY: Duration = Duration::from_secs(3_600);

/// Renews the lease and returns deliveries.
pub(super) struct Keeper {
    context: InboxContext,
    work: Arc<Work>,
}

impl Keeper {
    pub(super) fn new(context: InboxContext, work: Arc<Work>) -> Self {
        Self { context, work }
    }

    /// Works until `stop`, which is cancelled once nothing is in flight.
    pub(super) async fn run(self, stop: CancellationToken) {
        let every = self.context.lease() / RENEWALS;
        let mut renew_at = Instant::now();
        let mut adopt_at = Instant::now();
        log(
            self.remember().await,
            "could not look for forgotten deliveries",
        );
        loop {
            if Instant::now() >= renew_at {
                renew_at = Instant::now() + every;
                log(self.renew().await, "could not renew the hold on deliveries");
                if Instant::now() >= adopt_at {
                    adopt_at = Instant::now() + ADOPT_EVERY;
                    log(self.adopt().await, "could not take in dead letters");
                }
            }
            log(
                self.return_due().await,
                "could not return deliveries that are due",
            );
            let pause = self.pause().await.min(renew_at - Instant::now());
            tokio::select! {
                () = stop.cancelled() => break,
                () = tokio::time::sleep(pause) => {}
            }
        }
        log(
            self.retire().await,
            "could not give up the hold on deliveries",
        );
        // What was given back is before the place that other replicas read from.
        self.context.store.signals().raise(Signal::Inbox(None));
    }

    /// Renews the lease, and looks after leases that nobody renews. In this order: a process
    /// that was away for long must not take itself for dead.
    async fn renew(&self) -> Result<(), StoreError> {
        let (store, work) = (&self.context.store, &self.work);
        store
            .renew_worker(work.worker, clock::now() + self.context.lease())
            .await?;
        {
            let _nothing_is_claimed = work.claiming.lock().await;
            let known = work.in_flight.ids();
            let released = store.release_unknown(work.worker, &known).await?;
            work.returned(&released);
        }
        for dead in store.lapsed_workers(clock::now()).await? {
            loop {
                let returned = store.take_over(dead, clock::now()).await?;
                if returned.is_empty() {
                    break;
                }
                tracing::warn!(
                    deliveries = returned.len(),
                    "a worker has died; its deliveries are processed here"
                );
                measure::reclaimed(returned.len());
                work.returned(&returned);
            }
        }
        let adopted = store.adopt_deliveries(clock::now()).await?;
        if adopted > 0 {
            tracing::info!(
                deliveries = adopted,
                "took in deliveries of the version before"
            );
            work.returned.notify_one();
        }
        Ok(())
    }

    async fn adopt(&self) -> Result<(), StoreError> {
        while self.context.store.adopt_dead_letters(clock::now()).await? > 0 {}
        Ok(())
    }

    /// Gives a lapsed lease to workers that hold deliveries without one.
    async fn remember(&self) -> Result<(), StoreError> {
        let store = &self.context.store;
        for worker in store.forgotten_workers().await? {
            store.renew_worker(worker, clock::now()).await?;
        }
        Ok(())
    }

    async fn retire(&self) -> Result<(), StoreError> {
        let (store, worker) = (&self.context.store, self.work.worker);
        store.release_unknown(worker, &[]).await?;
        store.retire_worker(worker).await
    }

    async fn return_due(&self) -> Result<(), StoreError> {
        let returned = self.context.store.return_due(clock::now()).await?;
        self.work.returned(&returned);
        Ok(())
    }

    /// The time until a retry may be due.
    async fn pause(&self) -> Duration {
        let poll = self.context.config.poll_ms.duration();
        match self.context.store.next_delivery_due().await {
            Ok(Some(due)) => {
                let micros = due.micros_since(clock::now()).max(1_000);
                poll.min(Duration::from_micros(u64::try_from(micros).unwrap_or(0)))
            }
            _ => poll,
        }
    }
}

fn log(result: Result<(), StoreError>, what: &'static str) {
    if let Err(error) = result {
        tracing::error!(%error, "{what}");
    }
}
