//! Settles processed deliveries, many in one transaction.
//!
//! Like the ingress writer, it takes as one batch whatever was processed while the last
//! batch committed, up to a number of deliveries and of events. When the database rejects
//! a batch, its deliveries are settled one by one: a poisoned delivery never blocks its
//! neighbors.

use super::batch::{Processed, next_batch};
use super::context::InboxContext;
use super::in_hand::HeldRow;
use super::work::Work;
use crate::clock;
use crate::domain::DeliveryId;
use crate::domain::delivery::Disposition;
use crate::domain::event::{DecidedEvent, Decision, SkipReason};
use crate::domain::limits::{REASON_BYTES_MAX, bounded};
use crate::store::{Settlement, StoreError};
use crate::worker::patience::{WRITE_PAUSE, WRITE_TRIES_MAX, patiently};
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tracing::Instrument;

/// A handle to the settler, which ends when its last handle is dropped.
#[derive(Clone)]
pub(super) struct Settler(mpsc::Sender<(Processed, HeldRow)>);

impl Settler {
    /// Queues a settlement; `row` is released once it is written.
    pub(super) async fn settle(&self, settlement: Settlement, row: HeldRow) {
        self.queue(Processed::Settle(Box::new(settlement)), row)
            .await;
    }

    /// Queues a claim that is given back; `attempt` is its fence.
    pub(super) async fn give_back(&self, delivery: DeliveryId, attempt: i32, row: HeldRow) {
        self.queue(Processed::GiveBack { delivery, attempt }, row)
            .await;
    }

    async fn queue(&self, processed: Processed, row: HeldRow) {
        // The settler ends only after its last handle, so this cannot fail.
        let _ = self.0.send((processed, row)).await;
    }
}

/// Starts the settler.
pub(super) fn start(context: InboxContext, work: Arc<Work>) -> (Settler, JoinHandle<()>) {
    let (sender, receiver) = mpsc::channel(context.config.in_flight_max.usize());
    (Settler(sender), tokio::spawn(run(context, work, receiver)))
}

async fn run(
    context: InboxContext,
    work: Arc<Work>,
    mut queue: mpsc::Receiver<(Processed, HeldRow)>,
) {
    let max = context.config.settle_deliveries_max.usize();
    let events_max = context.config.settle_events_max.usize();
    let mut waiting = Vec::with_capacity(max);
    while queue.recv_many(&mut waiting, max).await > 0 {
        let mut rest = waiting.drain(..).peekable();
        while rest.peek().is_some() {
            let (batch, rows) = next_batch(&mut rest, events_max);
            settle(&context, &work, batch).await;
            drop(rows);
        }
    }
}

async fn settle(context: &InboxContext, work: &Work, batch: Vec<Processed>) {
    let (mut settlements, mut returned) = (Vec::new(), Vec::new());
    for processed in batch {
        match processed {
            Processed::Settle(settlement) => settlements.push(*settlement),
            Processed::GiveBack { delivery, attempt } => returned.push((delivery, attempt)),
        }
    }
    if !returned.is_empty() {
        match context.store.give_back(&returned).await {
            Ok(returned) => work.returned(&returned),
            Err(error) => {
                tracing::error!(%error, deliveries = returned.len(), "could not give deliveries back; they return to their lanes later");
            }
        }
    }
    if settlements.is_empty() {
        return;
    }
    let span = tracing::debug_span!("settle", deliveries = settlements.len());
    match write(context, &settlements).instrument(span).await {
        Ok(()) => {}
        Err(error) if error.is_transient() => log_unavailable(&error, settlements.len()),
        Err(_) => {
            for settlement in settlements {
                settle_alone(context, settlement).await;
            }
        }
    }
}

async fn settle_alone(context: &InboxContext, settlement: Settlement) {
    match write(context, std::slice::from_ref(&settlement)).await {
        Ok(()) => {}
        Err(error) if error.is_transient() => log_unavailable(&error, 1),
        Err(error) => settle_rejected(context, settlement, &error).await,
    }
}

fn log_unavailable(error: &StoreError, deliveries: usize) {
    tracing::error!(%error, deliveries, "could not settle; the deliveries return to their lanes");
}

/// Settles a delivery whose events the database rejects: it is retried, in case the
/// database was at fault, and becomes a dead letter in the end.
///
/// Events, runs and messages are written together, so the runs alone may be at fault. The
/// dead letter therefore keeps the events that wanted a run, skipped for that reason.
/// Their deduplication keys stay free, so a manual retry of the delivery starts the runs.
async fn settle_rejected(context: &InboxContext, settlement: Settlement, rejection: &StoreError) {
    let error = bounded(&rejection.to_string(), REASON_BYTES_MAX);
    let tries = settlement.tries;
    tracing::error!(inbox.id = %settlement.delivery, attempt = tries, error, "could not settle a delivery");
    let (now, since) = (clock::now(), settlement.retry_since);
    let (disposition, events) = if since.is_none_or(|since| context.retries(since, now)) {
        let wait = context.backoff().after(tries, rand::random());
        let at = now + wait;
        (Disposition::Retry { at, error }, Vec::new())
    } else {
        let events = without_runs(settlement.events, &error);
        (Disposition::Failed { error }, events)
    };
    let mut without = Settlement {
        disposition,
        events,
        ..settlement
    };
    let mut written = write(context, std::slice::from_ref(&without)).await;
    if !without.events.is_empty() && written.as_ref().is_err_and(|error| !error.is_transient()) {
        // The database rejects the events themselves.
        without.events = Vec::new();
        written = write(context, &[without]).await;
    }
    if let Err(error) = written {
        tracing::error!(%error, "could not write down that a delivery failed; it returns to its lane");
    }
}

/// The events that wanted a run, as skipped events.
fn without_runs(events: Vec<DecidedEvent>, error: &str) -> Vec<DecidedEvent> {
    events
        .into_iter()
        .filter(|decided| decided.decision == Decision::Run)
        .map(|decided| DecidedEvent {
            decision: Decision::Skip {
                reason: SkipReason::RunCreateFailed,
                detail: Some(error.to_owned()),
            },
            ..decided
        })
        .collect()
}

async fn write(context: &InboxContext, settlements: &[Settlement]) -> Result<(), StoreError> {
    let settled = patiently(WRITE_TRIES_MAX, WRITE_PAUSE, || {
        context.store.settle(settlements, clock::now())
    })
    .await?;
    tracing::debug!(
        deliveries = settled.deliveries.len(),
        lost = settlements.len() - settled.deliveries.len(),
        events = settled.events,
        runs = settled.runs,
        duplicates = settled.duplicates,
        "settled"
    );
    Ok(())
}
