//! From a claimed delivery to its settlement: parse, filter, decide.

use super::attempt::Attempt;
use super::context::InboxContext;
use super::opened::OpenedDelivery;
use super::recipients::Recipients;
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
}

/// State that all deliveries of one claim share.
pub(super) struct Claim {
    pub(super) recipients: Recipients,
    /// A delivery may wait for an instance until then.
    pub(super) open_until: Instant,
}

impl Processor {
    /// Once `stop` is cancelled, no delivery waits for an instance for long.
    pub(super) fn new(context: InboxContext, stop: CancellationToken) -> Self {
        Self { context, stop }
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
        let result = match claim.recipients.triggers(opened, &attempt) {
            Ok(triggers) => {
                self.decide(opened, &attempt, triggers, claim.open_until)
                    .await?
            }
            Err(disposition) => Err(disposition),
        };
        Some(match result {
            Ok(events) => {
                let outcome = outcome(&events);
                attempt.settlement(Disposition::Completed { outcome }, owner, events)
            }
            Err(disposition) => attempt.settlement(disposition, owner, Vec::new()),
        })
    }

    /// The settlement of a delivery whose owner or triggers cannot be read.
    pub(super) fn unprepared(&self, delivery: &ClaimedDelivery, error: &StoreError) -> Settlement {
        let attempt = Attempt::at(&self.context, delivery);
        let disposition = attempt.retry("unreadable_database", &error.to_string());
        attempt.settlement(disposition, None, Vec::new())
    }

    /// The settlement of a row that cannot be read: another attempt would end the same.
    pub(super) fn unreadable(&self, delivery: &UnreadableDelivery) -> Settlement {
        tracing::error!(inbox.id = %delivery.id, "a delivery cannot be read; it is now a dead letter");
        Settlement {
            delivery: delivery.id,
            attempt: delivery.attempt,
            disposition: Disposition::Failed {
                error: bounded(&delivery.error.to_string(), REASON_BYTES_MAX),
            },
            owner: None,
            events: Vec::new(),
            trace: None,
        }
    }

    /// The decided events of a delivery, or its end without events. None if no instance
    /// was free.
    async fn decide(
        &self,
        opened: &OpenedDelivery,
        attempt: &Attempt<'_>,
        triggers: &[ActiveTrigger],
        open_until: Instant,
    ) -> Option<Result<Vec<DecidedEvent>, Disposition>> {
        let (config, delivery) = (&self.context.config, &opened.delivery);
        let attempts_max = config.attempts_max.i32();
        if delivery.tries > attempts_max {
            // The delivery may be what kills its workers, so it ends here.
            let text = format!("claimed {attempts_max} times by workers that did not finish");
            return Some(Err(attempt.fail("unfinished", &text)));
        }
        if triggers.is_empty() {
            return Some(Err(attempt.complete("no active trigger")));
        }
        let Some(provider) = self.context.registry.get(&delivery.origin.provider) else {
            return Some(Err(attempt.not_registered()));
        };
        let mut session = match self.open(&provider, delivery, open_until).await? {
            Ok(session) => session,
            Err(error) => return Some(Err(attempt.guest_error(&error))),
        };
        // Each call has limits of its own, but a delivery may need thousands of calls.
        let seconds_max = config.delivery_seconds_max;
        let limit = seconds_max.duration();
        let events = timeout(limit, events(&mut session, delivery, attempt, triggers)).await;
        Some(events.unwrap_or_else(|_| {
            let text = format!("the delivery took more than {seconds_max} s");
            Err(attempt.retry("too_slow", &text))
        }))
    }

    /// A session; none if all instances are busy. That is not the delivery's fault, so it
    /// waits for as long as its claim allows.
    async fn open(
        &self,
        provider: &Arc<Provider>,
        delivery: &ClaimedDelivery,
        until: Instant,
    ) -> Option<Result<Session, GuestError>> {
        loop {
            let context = CallContext::of(delivery);
            match timeout_at(until, provider.open(context)).await {
                Ok(Err(GuestError::Busy))
                    if !self.stop.is_cancelled() && Instant::now() + BUSY_PAUSE < until =>
                {
                    sleep(BUSY_PAUSE).await;
                }
                Ok(Err(GuestError::Busy)) | Err(_) => return None,
                Ok(opened) => return Some(opened),
            }
        }
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
