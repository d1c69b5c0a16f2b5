//! A decided event on its way into the database, with the run that it starts and the
//! message that hands the run over.

use crate::domain::event::{DecidedEvent, Decision, SkipReason};
use crate::domain::trace::TraceParent;
use crate::domain::{DeliveryId, EventId, EventStatus, RunId, Timestamp};
use crate::measure;
use std::collections::HashSet;
use uuid::Uuid;

/// The facts in the row of an event that shares them with others.
pub(in crate::store) const NO_FACTS: &str = "{}";

/// An event that is to be written, if its trigger has not seen it before.
pub(in crate::store) struct Draft<'a> {
    pub(in crate::store) id: EventId,
    pub(in crate::store) delivery: Option<DeliveryId>,
    /// The claim of the delivery that decided it: the event is written only if that claim
    /// still holds.
    pub(in crate::store) attempt: Option<i32>,
    /// The event that this one replays.
    pub(in crate::store) replay_of: Option<EventId>,
    pub(in crate::store) decided: &'a DecidedEvent,
    /// The row of `shared_facts` that has its facts; none if it has them itself.
    pub(in crate::store) facts_id: Option<Uuid>,
    pub(in crate::store) run: Option<RunDraft>,
    pub(in crate::store) created_at: Timestamp,
}

/// The run that an event starts.
pub(in crate::store) struct RunDraft {
    pub(in crate::store) id: RunId,
    /// The payload of the message that hands it over.
    pub(in crate::store) payload: String,
}

impl<'a> Draft<'a> {
    pub(in crate::store) fn new(
        delivery: Option<DeliveryId>,
        decided: &'a DecidedEvent,
        trace: Option<&TraceParent>,
        now: Timestamp,
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
            id,
            delivery,
            attempt: None,
            replay_of: None,
            decided,
            facts_id: None,
            run,
            created_at: now,
        }
    }

    pub(in crate::store) fn status(&self) -> EventStatus {
        match self.decided.decision {
            Decision::Run => EventStatus::Queued,
            Decision::Skip { .. } => EventStatus::Skipped,
        }
    }

    pub(in crate::store) fn skip_reason(&self) -> Option<SkipReason> {
        match &self.decided.decision {
            Decision::Run => None,
            Decision::Skip { reason, .. } => Some(*reason),
        }
    }

    pub(in crate::store) fn skip_detail(&self) -> Option<&str> {
        match &self.decided.decision {
            Decision::Run => None,
            Decision::Skip { detail, .. } => detail.as_deref(),
        }
    }

    /// The facts in its own row.
    pub(in crate::store) fn own_facts(&self) -> &str {
        match self.facts_id {
            Some(_) => NO_FACTS,
            None => &self.decided.event.facts,
        }
    }

    pub(in crate::store) fn processed_at(&self) -> Option<Timestamp> {
        self.run.is_none().then_some(self.created_at)
    }
}

/// Counts the drafts that were written, once they are committed.
pub(in crate::store) fn measure(drafts: &[Draft<'_>], written: &HashSet<Uuid>) {
    for draft in drafts.iter().filter(|draft| written.contains(&draft.id.0)) {
        let reason = draft.skip_reason().map_or("", SkipReason::as_str);
        measure::events(draft.status().as_str(), reason, 1);
    }
}

/// The payload that a consumer receives.
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
