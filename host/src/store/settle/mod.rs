//! T3: a batch of claimed deliveries is settled in one transaction: events, runs,
//! outbox messages and the inbox rows' completion.
//!
//! Fenced: a delivery that another worker has claimed since is left alone, and so
//! are its events. Deduplicated by the unique index on (trigger, key).

mod postgres;
mod rows;
mod sqlite;

use super::pool::{Db, on_postgres};
use super::{Store, StoreError};
use crate::domain::delivery::Disposition;
use crate::domain::event::{DecidedEvent, Decision, SkipReason};
use crate::domain::trace::TraceParent;
use crate::domain::{
    DeliveryId, DeliveryStatus, EventId, EventStatus, IntegrationId, OrgId, RunId, Timestamp,
};
use crate::measure;
use std::collections::HashSet;
use uuid::Uuid;

/// What a worker decided about one claimed delivery.
#[derive(Clone, Debug)]
pub struct Settlement {
    /// The row.
    pub delivery: DeliveryId,
    /// The claim's fence.
    pub attempt: i32,
    /// What becomes of the row.
    pub disposition: Disposition,
    /// To whom the delivery turned out to belong, if its route did not say.
    pub owner: Option<Owner>,
    /// Events to write. Of a delivery that does not complete, only skipped ones.
    pub events: Vec<DecidedEvent>,
    /// The trace that the sender's request belongs to: consumers go on with it.
    pub trace: Option<TraceParent>,
}

/// The integration that a delivery belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// Whose it is.
    pub org: OrgId,
    /// The integration.
    pub integration: IntegrationId,
    /// Its provider.
    pub provider: String,
}

/// What a settlement wrote.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settled {
    /// The deliveries whose claim still held.
    pub deliveries: HashSet<DeliveryId>,
    /// Events written, skipped ones included.
    pub events: usize,
    /// Runs handed over.
    pub runs: usize,
    /// Events that their trigger had seen before.
    pub duplicates: usize,
}

pub(super) use rows::insert_draft;

/// Ids of what one decided event becomes.
pub(super) struct Draft<'a> {
    pub(super) delivery: Option<DeliveryId>,
    pub(super) id: EventId,
    pub(super) decided: &'a DecidedEvent,
    pub(super) run: Option<RunDraft>,
}

pub(super) struct RunDraft {
    pub(super) id: RunId,
    pub(super) payload: String,
}

/// Writes events that nobody has claimed, with their runs and messages, in a
/// transaction that is under way; returns the ids of those that were new.
pub(super) trait WriteDrafts {
    fn write_drafts(
        &mut self,
        drafts: &[Draft<'_>],
        now: Timestamp,
    ) -> impl Future<Output = Result<HashSet<Uuid>, StoreError>> + Send;
}

/// Two transactions that write the same keys in different orders would wait for each
/// other, until the database ended one of them.
pub(super) fn in_write_order(mut drafts: Vec<Draft<'_>>) -> Vec<Draft<'_>> {
    drafts.sort_by_key(|draft| (draft.decided.trigger, &draft.decided.event.dedup_key));
    drafts
}

impl Store {
    /// Writes a batch of settlements, all or nothing.
    ///
    /// # Errors
    /// If nothing was written. [`StoreError::Refused`] means that some value in
    /// the batch cannot be stored: settle its parts on their own.
    pub async fn settle(
        &self,
        settlements: &[Settlement],
        now: Timestamp,
    ) -> Result<Settled, StoreError> {
        let drafts = in_write_order(settlements.iter().flat_map(drafts).collect());
        let (deliveries, events): (HashSet<Uuid>, HashSet<Uuid>) = match &self.db {
            Db::Postgres(postgres) => on_postgres!(postgres, connection => {
                postgres::settle(connection, settlements, &drafts, now).await
            })?,
            Db::Sqlite(sqlite) => sqlite::settle(sqlite, settlements, &drafts, now).await?,
        };
        let offered = drafts
            .iter()
            .filter(|draft| draft.delivery.is_some_and(|id| deliveries.contains(&id.0)))
            .count();
        let runs = drafts
            .iter()
            .filter(|draft| draft.run.is_some() && events.contains(&draft.id.0))
            .count();
        for settlement in settlements {
            if deliveries.contains(&settlement.delivery.0) {
                measure::settled(settlement.result(), 1);
            }
        }
        measure_events(&drafts, &events);
        measure::duplicates(offered - events.len());
        Ok(Settled {
            events: events.len(),
            runs,
            duplicates: offered - events.len(),
            deliveries: deliveries.into_iter().map(DeliveryId).collect(),
        })
    }
}

/// Counts what was written of `drafts`, once it is committed.
pub(super) fn measure_events(drafts: &[Draft<'_>], written: &HashSet<Uuid>) {
    for draft in drafts.iter().filter(|draft| written.contains(&draft.id.0)) {
        draft.measure();
    }
}

fn drafts(settlement: &Settlement) -> impl Iterator<Item = Draft<'_>> {
    let delivery = Some(settlement.delivery);
    settlement
        .events
        .iter()
        .map(move |decided| Draft::new(delivery, decided, settlement.trace.as_ref()))
}

/// What a consumer receives.
fn hand_off(
    run: RunId,
    event: EventId,
    decided: &DecidedEvent,
    trace: Option<&TraceParent>,
) -> String {
    let mut payload = serde_json::json!({
        "run_id": run,
        "event_id": event,
        "trigger_id": decided.trigger,
        "automation_id": decided.automation,
        "event_kind": decided.event.kind,
        "event_title": decided.event.title,
    });
    if let Some(trace) = trace {
        payload["traceparent"] = trace.to_string().into();
    }
    payload.to_string()
}

impl Settlement {
    fn status(&self) -> DeliveryStatus {
        match self.disposition {
            Disposition::Completed { .. } => DeliveryStatus::Completed,
            Disposition::Retry { .. } => DeliveryStatus::Pending,
            Disposition::Failed { .. } => DeliveryStatus::Failed,
        }
    }

    /// In figures.
    fn result(&self) -> &'static str {
        match self.disposition {
            Disposition::Completed { .. } => "completed",
            Disposition::Retry { .. } => "retried",
            Disposition::Failed { .. } => "failed",
        }
    }

    fn outcome(&self) -> Option<&str> {
        match &self.disposition {
            Disposition::Completed { outcome } => Some(outcome),
            _ => None,
        }
    }

    fn error(&self) -> Option<&str> {
        match &self.disposition {
            Disposition::Completed { .. } => None,
            Disposition::Retry { error, .. } | Disposition::Failed { error } => Some(error),
        }
    }

    fn due_at(&self) -> Option<i64> {
        match self.disposition {
            Disposition::Retry { at, .. } => Some(at.0),
            _ => None,
        }
    }

    fn processed_at(&self, now: Timestamp) -> Option<i64> {
        (!matches!(self.disposition, Disposition::Retry { .. })).then_some(now.0)
    }
}

impl<'a> Draft<'a> {
    pub(super) fn new(
        delivery: Option<DeliveryId>,
        decided: &'a DecidedEvent,
        trace: Option<&TraceParent>,
    ) -> Self {
        let id = EventId::new();
        let run = (decided.decision == Decision::Run).then(|| {
            let run = RunId::new();
            RunDraft {
                id: run,
                payload: hand_off(run, id, decided, trace),
            }
        });
        Self {
            delivery,
            id,
            decided,
            run,
        }
    }

    pub(super) fn status(&self) -> EventStatus {
        match self.decided.decision {
            Decision::Run => EventStatus::Queued,
            Decision::Skip { .. } => EventStatus::Skipped,
        }
    }

    pub(super) fn skip(&self) -> (Option<SkipReason>, Option<&str>) {
        match &self.decided.decision {
            Decision::Run => (None, None),
            Decision::Skip { reason, detail } => (Some(*reason), detail.as_deref()),
        }
    }

    /// Counts an event that is committed.
    pub(super) fn measure(&self) {
        let reason = self.skip().0.map_or("", SkipReason::as_str);
        measure::events(self.status().as_str(), reason, 1);
    }

    pub(super) fn processed_at(&self, now: Timestamp) -> Option<i64> {
        self.run.is_none().then_some(now.0)
    }
}
