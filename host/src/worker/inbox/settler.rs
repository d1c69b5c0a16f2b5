//! Settles processed deliveries, many in one transaction.
//!
//! Like the ingress writer, it takes as one batch whatever was processed while the last
//! batch committed, up to a number of deliveries, of events and of bytes. A delivery beyond
//! that is settled in parts. A batch that fails is halved until the delivery at fault is
//! alone: it never blocks its neighbors.

use super::batch::{Next, Processed, next_batch};
use super::context::InboxContext;
use super::in_flight::HeldRow;
use super::large::{Large, Parted};
use super::settled::{answers, log_unavailable, write, write_whole};
use super::work::Work;
use crate::clock;
use crate::domain::DeliveryId;
use crate::domain::delivery::Disposition;
use crate::domain::event::{DecidedEvent, Decision, SkipReason};
use crate::domain::limits::{REASON_BYTES_MAX, bounded};
use crate::store::{Settlement, StoreError};
use crate::worker::halves::Halves;
use std::collections::VecDeque;
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
        let settlement = Box::new(settlement);
        self.queue(Processed::Settle(settlement), row).await;
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
    let limits = context.settle_limits();
    let mut waiting = Vec::with_capacity(max);
    let mut large: VecDeque<Large> = VecDeque::new();
    loop {
        if large.is_empty() && queue.recv_many(&mut waiting, max).await == 0 {
            break;
        }
        while waiting.len() < max
            && let Ok(processed) = queue.try_recv()
        {
            waiting.push(processed);
        }
        let mut rest = waiting.drain(..).peekable();
        while let Some(next) = next_batch(&mut rest, limits) {
            match next {
                Next::Batch(batch) => settle_batch(&context, &work, batch).await,
                Next::Large(Processed::Settle(settlement), row) => {
                    large.push_back(Large::new(*settlement, limits, row));
                }
                // It has no events.
                Next::Large(Processed::GiveBack { .. }, _) => {}
            }
        }
        // A part at a time, so that a large delivery holds up no other.
        let Some(next) = large.pop_front() else {
            continue;
        };
        match next.settle_part(&context).await {
            Parted::More(next) => large.push_back(next),
            Parted::Done => {}
            Parted::Failed(failed, error) => {
                settle_alone(&context, failed.settlement, &error).await;
            }
        }
    }
}

async fn settle_batch(context: &InboxContext, work: &Work, batch: Vec<(Processed, HeldRow)>) {
    let (mut settlements, mut returned) = (Vec::new(), Vec::new());
    for (processed, row) in batch {
        match processed {
            Processed::Settle(settlement) => settlements.push((*settlement, row)),
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
    let mut halves = Halves::of(settlements);
    while let Some(batch) = halves.next() {
        let (settlements, rows): (Vec<_>, Vec<_>) = batch.into_iter().unzip();
        let span = tracing::debug_span!("settle", deliveries = settlements.len());
        let Err(error) = write(context, &settlements).instrument(span).await else {
            continue;
        };
        if error.is_transient() && !answers(context).await {
            log_unavailable(&error, settlements.len() + halves.rest().count());
            return;
        }
        // Whatever the reason: it is in one of them, or in their number.
        let batch = settlements.into_iter().zip(rows).collect();
        if let Some((settlement, row)) = halves.halve(batch) {
            settle_alone(context, settlement, &error).await;
            drop(row);
        }
    }
}

/// Ends a settlement that failed alone.
async fn settle_alone(context: &InboxContext, settlement: Settlement, error: &StoreError) {
    if error.is_transient() {
        log_unavailable(error, 1);
    } else {
        settle_rejected(context, settlement, error).await;
    }
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
        let mut events = settlement.events;
        let events = without_runs(events.split_off(settlement.written), &error);
        (Disposition::Failed { error }, events)
    };
    let mut without = Settlement {
        disposition,
        events,
        written: 0,
        ..settlement
    };
    let mut written = write_whole(context, &mut without).await;
    if !without.events.is_empty() && written.as_ref().is_err_and(|error| !error.is_transient()) {
        // The database rejects the events themselves.
        without.events = Vec::new();
        without.written = 0;
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
