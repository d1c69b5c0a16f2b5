//! Settles what is decided, many deliveries in one transaction.
//!
//! As with the writer at the door, a batch is whatever was decided while the last
//! one committed, up to a number of deliveries and of events. A batch that the
//! database refuses is settled one by one, so that one poisoned delivery never
//! holds up its neighbours.

use super::claimer::InboxContext;
use super::decided::{Decided, next_batch};
use crate::clock;
use crate::domain::delivery::Disposition;
use crate::domain::event::{DecidedEvent, Decision, SkipReason};
use crate::domain::limits::{REASON_BYTES_MAX, bounded};
use crate::store::{Settlement, Signal, StoreError};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::task::JoinHandle;
use tracing::Instrument;

/// How often a batch is tried while the database is away. What is lost then is
/// claimed again once its lease lapses.
const TRIES_MAX: u32 = 20;
const TRY_PAUSE: Duration = Duration::from_millis(250);

/// A handle to the settler; it ends when the last one is gone.
#[derive(Clone)]
pub(super) struct Settler(mpsc::Sender<(Decided, OwnedSemaphorePermit)>);

impl Settler {
    /// Hands over what is decided; `permit` is given back once it is written.
    pub(super) async fn settle(&self, decided: Decided, permit: OwnedSemaphorePermit) {
        // The settler ends only after all handles are gone.
        let _ = self.0.send((decided, permit)).await;
    }
}

/// Starts the settler.
pub(super) fn start(context: InboxContext) -> (Settler, JoinHandle<()>) {
    let (sender, receiver) = mpsc::channel(context.config.in_flight_max);
    (Settler(sender), tokio::spawn(run(context, receiver)))
}

async fn run(context: InboxContext, mut queue: mpsc::Receiver<(Decided, OwnedSemaphorePermit)>) {
    let max = context.config.settle_deliveries_max;
    let events_max = context.config.settle_events_max;
    let mut waiting = Vec::with_capacity(max);
    while queue.recv_many(&mut waiting, max).await > 0 {
        let mut rest = waiting.drain(..).peekable();
        while rest.peek().is_some() {
            let (batch, permits) = next_batch(&mut rest, events_max);
            settle(&context, batch).await;
            drop(permits);
        }
    }
}

async fn settle(context: &InboxContext, batch: Vec<Decided>) {
    let (mut settlements, mut tries, mut returned) = (Vec::new(), Vec::new(), Vec::new());
    for decided in batch {
        match decided {
            Decided::Settle {
                settlement,
                tries: of_this,
            } => {
                settlements.push(settlement);
                tries.push(of_this);
            }
            Decided::GiveBack { delivery, attempt } => returned.push((delivery, attempt)),
        }
    }
    if !returned.is_empty()
        && let Err(error) = context.store.give_back(&returned, clock::now()).await
    {
        tracing::error!(%error, deliveries = returned.len(), "could not give deliveries back; their leases will lapse");
    }
    if settlements.is_empty() {
        return;
    }
    let span = tracing::debug_span!("settle", deliveries = settlements.len());
    match write(context, &settlements).instrument(span).await {
        Ok(()) => {}
        Err(error) if error.is_transient() => away(&error, settlements.len()),
        Err(_) => {
            for (settlement, tries) in settlements.into_iter().zip(tries) {
                settle_alone(context, settlement, tries).await;
            }
        }
    }
}

async fn settle_alone(context: &InboxContext, settlement: Settlement, tries: i32) {
    match write(context, std::slice::from_ref(&settlement)).await {
        Ok(()) => {}
        Err(error) if error.is_transient() => away(&error, 1),
        Err(error) => bury(context, settlement, tries, &error).await,
    }
}

fn away(error: &StoreError, deliveries: usize) {
    tracing::error!(%error, deliveries, "could not settle; their leases will lapse");
}

/// A delivery whose events the database refuses: tried again, in case it was the
/// database's fault, and a dead letter in the end. Events, runs and messages are written
/// together, so what was refused may be the runs alone: then the events that wanted one
/// are written without, skipped for that reason. Their keys stay free, for when somebody
/// has the delivery retried.
async fn bury(context: &InboxContext, settlement: Settlement, tries: i32, refusal: &StoreError) {
    let error = bounded(&refusal.to_string(), REASON_BYTES_MAX);
    tracing::error!(inbox.id = %settlement.delivery, attempt = tries, error, "could not settle a delivery");
    let (disposition, events) = if tries < context.config.attempts_max {
        let wait = context.backoff().after(tries, rand::random());
        let at = clock::now() + wait;
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
    let mut noted = write(context, std::slice::from_ref(&without)).await;
    if !without.events.is_empty() && noted.as_ref().is_err_and(|error| !error.is_transient()) {
        // It is the events that are refused.
        without.events = Vec::new();
        noted = write(context, &[without]).await;
    }
    if let Err(error) = noted {
        tracing::error!(%error, "could not note that a delivery failed; its lease will lapse");
    }
}

/// The events that wanted a run and do not get one.
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
    let mut tries = 0;
    loop {
        tries += 1;
        match context.store.settle(settlements, clock::now()).await {
            Ok(settled) => {
                if settled.runs > 0 {
                    context.signals.raise(Signal::Outbox);
                }
                tracing::debug!(
                    deliveries = settled.deliveries.len(),
                    lost = settlements.len() - settled.deliveries.len(),
                    events = settled.events,
                    runs = settled.runs,
                    duplicates = settled.duplicates,
                    "settled"
                );
                return Ok(());
            }
            Err(error) if error.is_transient() && tries < TRIES_MAX => {
                tokio::time::sleep(TRY_PAUSE).await;
            }
            Err(error) => return Err(error),
        }
    }
}
