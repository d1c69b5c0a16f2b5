//! From a claimed delivery to its settlement: parse, filter, decide.

use super::attempt::Attempt;
use super::context::InboxContext;
use super::gate::{Gate, Place};
use super::opened::OpenedDelivery;
use super::recipients::Recipients;
use crate::clock;
use crate::domain::TriggerId;
use crate::domain::delivery::{ClaimedDelivery, Disposition};
use crate::domain::event::{DecidedEvent, Decision};
use crate::domain::limits::{REASON_BYTES_MAX, bounded};
use crate::domain::matching::decide;
use crate::domain::resource::ActiveTrigger;
use crate::domain::trace::TraceParent;
use crate::provider::{CallContext, GuestError, Provider, Session};
use crate::store::{Settlement, StoreError, UnreadableDelivery};
use crate::telemetry::continue_trace;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Mutex, MutexGuard};
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

/// The pause before the engine is asked again for an instance. The engine may refuse at
/// once, so without a pause this would spin.
const BUSY_PAUSE: Duration = Duration::from_millis(20);

/// Processes deliveries.
pub(super) struct Processor {
    context: InboxContext,
    stop: CancellationToken,
    gate: Arc<Gate>,
    /// A delivery that a worker died of runs alone among its like.
    suspects: Mutex<()>,
}

/// State that all deliveries of one claim share.
pub(super) struct Claim {
    pub(super) recipients: Recipients,
}

impl Processor {
    /// Once `stop` is cancelled, no delivery waits for an instance for long.
    pub(super) fn new(context: InboxContext, stop: CancellationToken) -> Self {
        Self {
            gate: Gate::new(context.instances),
            suspects: Mutex::default(),
            context,
            stop,
        }
    }

    /// Processes a delivery until the process is about to exit. None gives the claim back:
    /// nothing was tried, so the attempt does not count.
    pub(super) async fn process_in_time(
        &self,
        opened: &OpenedDelivery,
        claim: &Claim,
    ) -> Option<Settlement> {
        let delivery = &opened.delivery;
        let (provider, attempt) = (delivery.origin.provider.as_str(), delivery.attempt);
        let span = tracing::debug_span!("process", inbox.id = %delivery.id, provider.id = provider, attempt);
        if let Some(trace) = TraceParent::of(&delivery.headers) {
            continue_trace(&span, &trace);
        }
        let settlement = tokio::select! {
            settlement = self.process(opened, claim).instrument(span) => settlement,
            () = self.context.release.cancelled() => None,
        };
        if settlement.is_none() {
            tracing::warn!(
                inbox.id = %delivery.id,
                provider.id = provider,
                attempt = delivery.tries,
                "a delivery could not be processed in time; it is given back"
            );
        }
        settlement
    }

    /// Never fails: every error ends in a retry or a dead letter.
    async fn process(&self, opened: &OpenedDelivery, claim: &Claim) -> Option<Settlement> {
        let attempt = Attempt::at(&self.context, &opened.delivery);
        let owner = claim.recipients.owner(opened);
        let chosen = match claim.recipients.triggers(opened, &attempt) {
            Ok(chosen) => chosen,
            Err(disposition) => {
                return Some(attempt.settlement(disposition, owner, Vec::new()));
            }
        };
        let result = match chosen.now.is_empty() && !chosen.held.is_empty() {
            true => Ok(Vec::new()),
            false => self.decide(opened, &attempt, &chosen.now).await?,
        };
        Some(match result {
            Ok(events) => {
                let disposition = match chosen.held.is_empty() {
                    true => attempt.complete(&outcome(&events)),
                    false => held(chosen.held),
                };
                attempt.settlement(disposition, owner, events)
            }
            Err(disposition) => attempt.settlement(disposition, owner, Vec::new()),
        })
    }

    /// The settlement of a delivery whose owner or triggers cannot be read.
    pub(super) fn unprepared(&self, delivery: &ClaimedDelivery, error: &StoreError) -> Settlement {
        let attempt = Attempt::at(&self.context, delivery);
        let disposition = attempt.wait(&error.to_string());
        attempt.settlement(disposition, None, Vec::new())
    }

    /// The settlement of a row that this version cannot read: another one may.
    pub(super) fn unreadable(&self, delivery: &UnreadableDelivery) -> Settlement {
        tracing::error!(inbox.id = %delivery.id, "this version cannot read a delivery; the delivery waits for one that can");
        Settlement {
            delivery: delivery.id,
            attempt: delivery.attempt,
            tries: 1,
            retry_since: None,
            disposition: Disposition::Wait {
                at: clock::now() + self.context.config.wait_ms.duration(),
                reason: bounded(&delivery.error.to_string(), REASON_BYTES_MAX),
            },
            owner: None,
            events: Vec::new(),
            trace: None,
            written: 0,
        }
    }

    /// The decided events of a delivery, or its end without events. None if no instance
    /// was free.
    async fn decide(
        &self,
        opened: &OpenedDelivery,
        attempt: &Attempt<'_>,
        triggers: &[ActiveTrigger],
    ) -> Option<Result<Vec<DecidedEvent>, Disposition>> {
        let (config, delivery) = (&self.context.config, &opened.delivery);
        let deaths_max = config.deaths_max.i32();
        if delivery.deaths >= deaths_max {
            let text = format!("{deaths_max} workers died while they processed it alone");
            return Some(Err(attempt.fail("unfinished", &text)));
        }
        if triggers.is_empty() {
            return Some(Err(attempt.complete("no active trigger")));
        }
        let Some(provider) = self.context.registry.get(&delivery.origin.provider) else {
            return Some(Err(attempt.not_registered()));
        };
        let _alone = match delivery.is_suspect {
            true => Some(self.begin_alone(delivery).await?),
            false => None,
        };
        let (place, opened) = self.open(&provider, delivery).await?;
        let mut session = match opened {
            Ok(session) => session,
            Err(error) => return Some(Err(attempt.guest_error(&error))),
        };
        // Each call has limits of its own, but a delivery may need thousands of calls.
        let seconds_max = config.delivery_seconds_max;
        let limit = seconds_max.duration();
        let events = timeout(limit, events(&mut session, delivery, attempt, triggers)).await;
        drop((session, place));
        Some(events.unwrap_or_else(|_| {
            let text = format!("the delivery took more than {seconds_max} s");
            Err(attempt.retry("too_slow", &text))
        }))
    }

    /// Writes down that the work begins, once no other suspect runs; none if that is not
    /// possible.
    async fn begin_alone(&self, delivery: &ClaimedDelivery) -> Option<MutexGuard<'_, ()>> {
        let alone = self.suspects.lock().await;
        let begun = self
            .context
            .store
            .begin_suspect(delivery.id, delivery.attempt);
        match begun.await {
            Ok(true) => Some(alone),
            Ok(false) => None,
            Err(error) => {
                tracing::warn!(inbox.id = %delivery.id, %error, "could not begin a delivery");
                None
            }
        }
    }

    /// A session and its place at the gate; none if the delivery's turn did not come. That is
    /// not its fault.
    async fn open(
        &self,
        provider: &Arc<Provider>,
        delivery: &ClaimedDelivery,
    ) -> Option<(Place, Result<Session, GuestError>)> {
        let until = Instant::now() + self.context.config.open_seconds_max.duration();
        let place = tokio::select! {
            place = timeout_at(until, self.gate.enter(delivery.lane)) => place.ok()?,
            () = self.stop.cancelled() => return None,
        };
        loop {
            let context = CallContext::of(delivery);
            match timeout_at(until, provider.open(context)).await {
                Ok(Err(GuestError::Busy))
                    if !self.stop.is_cancelled() && Instant::now() + BUSY_PAUSE < until =>
                {
                    sleep(BUSY_PAUSE).await;
                }
                Ok(Err(GuestError::Busy)) | Err(_) => return None,
                Ok(opened) => return Some((place, opened)),
            }
        }
    }
}

/// The delivery waits for triggers that are on hold.
fn held(triggers: Vec<TriggerId>) -> Disposition {
    Disposition::Held {
        reason: match triggers.len() {
            1 => "a trigger is on hold".into(),
            held => format!("{held} triggers are on hold"),
        },
        only_triggers: Some(triggers),
    }
}

async fn events(
    session: &mut Session,
    delivery: &ClaimedDelivery,
    attempt: &Attempt<'_>,
    triggers: &[ActiveTrigger],
) -> Result<Vec<DecidedEvent>, Disposition> {
    let parse = session.parse(delivery);
    let events = parse
        .instrument(tracing::debug_span!("parse"))
        .await
        .map_err(|failure| attempt.parse_failure(&failure))?;
    let configs: Vec<&str> = triggers
        .iter()
        .map(|trigger| trigger.config.as_str())
        .collect();
    let filter = async {
        let mut decided = Vec::with_capacity(events.len() * triggers.len());
        for event in events {
            let verdicts = session.matches(&event, &configs).await?;
            decided.extend(decide(&Arc::new(event), triggers, &verdicts));
        }
        Ok(decided)
    };
    filter
        .instrument(tracing::debug_span!("filter"))
        .await
        .map_err(|error: GuestError| attempt.guest_error(&error))
}

/// The outcome as people read it: `1 of 3 wanted`. A duplicate counts as wanted: the
/// trigger wants it, and its unique key keeps it from starting a second run.
fn outcome(decided: &[DecidedEvent]) -> String {
    let wanted = decided
        .iter()
        .filter(|event| event.decision == Decision::Run)
        .count();
    match (decided.len(), wanted) {
        (0, _) => "no events".into(),
        (1, 1) => "wanted by its trigger".into(),
        (1, _) => "skipped by its trigger".into(),
        (all, wanted) => format!("{wanted} of {all} wanted"),
    }
}
