//! From a claimed delivery to what becomes of it: parse, filter, decide.

use super::address::{Addresses, not_registered};
use super::audience::Batch;
use super::claimer::InboxContext;
use super::decided::Decided;
use super::stop::{Reason, Stop};
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

/// The pause before the engine is asked again for an instance: it may have said
/// no at once.
const BUSY_PAUSE: Duration = Duration::from_millis(20);

/// Processes deliveries.
pub(super) struct Processor {
    context: InboxContext,
    stop: CancellationToken,
}

/// What the deliveries of one claim share.
pub(super) struct Shared {
    pub(super) addresses: Arc<Addresses>,
    pub(super) batch: Batch,
    /// Until when a delivery may wait for an instance.
    pub(super) open_until: Instant,
}

impl Processor {
    /// Once `stop` is cancelled, nothing waits long for an instance.
    pub(super) fn new(context: InboxContext, stop: CancellationToken) -> Self {
        Self { context, stop }
    }

    /// As [`Self::process`]; a delivery that is still being worked on when the process
    /// has to end is given back.
    pub(super) async fn process_in_time(
        &self,
        delivery: &ClaimedDelivery,
        shared: &Shared,
    ) -> Decided {
        let (provider, attempt) = (delivery.origin.provider.as_str(), delivery.attempt);
        let span = tracing::debug_span!("process", inbox.id = %delivery.id, provider.id = provider, attempt);
        if let Some(trace) = TraceParent::of(&delivery.headers) {
            continue_trace(&span, &trace);
        }
        tokio::select! {
            decided = self.process(delivery, shared).instrument(span) => decided,
            () = self.context.release.cancelled() => self.stopped(delivery, Stop::GiveBack),
        }
    }

    /// Decides what becomes of one delivery. Never fails: what goes wrong becomes
    /// a retry or a dead letter.
    pub(super) async fn process(&self, delivery: &ClaimedDelivery, shared: &Shared) -> Decided {
        let audience = shared.batch.audience(delivery, &shared.addresses);
        let owner = audience.owner;
        let result = match audience.triggers {
            Ok(triggers) => self.run(delivery, triggers, shared.open_until).await,
            Err(stop) => Err(stop),
        };
        let mut decided = match result {
            Ok(events) => {
                let outcome = outcome(&events);
                Decided::settle(delivery, Disposition::Completed { outcome }, events)
            }
            Err(stop) => self.stopped(delivery, stop),
        };
        if let Decided::Settle { settlement, .. } = &mut decided {
            settlement.owner = owner;
        }
        decided
    }

    /// For a delivery whose surroundings in the database cannot be read.
    pub(super) fn unprepared(&self, delivery: &ClaimedDelivery, error: &StoreError) -> Decided {
        let reason = Reason::new("unreadable database", error.to_string());
        self.stopped(delivery, Stop::Retry(reason))
    }

    /// For a row that cannot be read: another attempt would end the same.
    pub(super) fn unreadable(&self, delivery: &UnreadableDelivery) -> Decided {
        tracing::error!(inbox.id = %delivery.id, "a delivery cannot be read; it is a dead letter now");
        Decided::Settle {
            settlement: Settlement {
                delivery: delivery.id,
                attempt: delivery.attempt,
                disposition: Disposition::Failed {
                    error: bounded(&delivery.error.to_string(), REASON_BYTES_MAX),
                },
                owner: None,
                events: Vec::new(),
                trace: None,
            },
            tries: self.context.config.attempts_max,
        }
    }

    fn stopped(&self, delivery: &ClaimedDelivery, stop: Stop) -> Decided {
        match stop.disposition(delivery, &self.context) {
            Some(disposition) => Decided::settle(delivery, disposition, Vec::new()),
            None => Decided::GiveBack {
                delivery: delivery.id,
                attempt: delivery.attempt,
            },
        }
    }

    async fn run(
        &self,
        delivery: &ClaimedDelivery,
        triggers: &[ActiveTrigger],
        open_until: Instant,
    ) -> Result<Vec<DecidedEvent>, Stop> {
        let config = &self.context.config;
        let attempts_max = config.attempts_max;
        if delivery.tries > attempts_max {
            // Its workers never came back: whatever it does to them, it stops here.
            return Err(Stop::Fail(Reason::new(
                "unfinished",
                format!("claimed {attempts_max} times by workers that did not finish"),
            )));
        }
        if triggers.is_empty() {
            return Err(Stop::Done("no active trigger".into()));
        }
        let provider = &delivery.origin.provider;
        let provider = self
            .context
            .registry
            .get(provider)
            .ok_or_else(|| not_registered(provider))?;
        let mut session = self.open(&provider, delivery, open_until).await?;
        // Each call has its own limits, but a delivery may need thousands of calls.
        let seconds_max = config.delivery_seconds_max;
        let limit = Duration::from_secs(seconds_max);
        timeout(limit, events(&mut session, delivery, triggers))
            .await
            .unwrap_or_else(|_| {
                Err(Stop::Retry(Reason::new(
                    "too slow",
                    format!("the delivery took more than {seconds_max} s"),
                )))
            })
    }

    /// A session. That others hold all instances is no fault of the delivery's, so
    /// it waits for as long as its claim allows.
    async fn open(
        &self,
        provider: &Arc<Provider>,
        delivery: &ClaimedDelivery,
        until: Instant,
    ) -> Result<Session, Stop> {
        loop {
            let context = CallContext::of(delivery);
            match timeout_at(until, provider.open(context)).await {
                Ok(Err(GuestError::Busy))
                    if !self.stop.is_cancelled() && Instant::now() + BUSY_PAUSE < until =>
                {
                    sleep(BUSY_PAUSE).await;
                }
                Ok(Err(GuestError::Busy)) | Err(_) => return Err(Stop::GiveBack),
                Ok(opened) => return opened.map_err(Stop::from),
            }
        }
    }
}

async fn events(
    session: &mut Session,
    delivery: &ClaimedDelivery,
    triggers: &[ActiveTrigger],
) -> Result<Vec<DecidedEvent>, Stop> {
    let parse = tracing::debug_span!("parse");
    let events = session.parse(delivery).instrument(parse).await?;
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
    filter.instrument(tracing::debug_span!("filter")).await
}

/// For people: `1 of 3 triggers wants it`. A trigger that has seen an event before
/// wants it all the same, and gets no second one.
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
