//! A run: one execution of an automation, handed over through the outbox.

use crate::domain::{AutomationId, EventId, RunId, RunStatus, Timestamp, TriggerId};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// A run as people see it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Run {
    /// Its id, which is also the idempotency key of its hand-off.
    pub id: RunId,
    /// What runs.
    pub automation_id: AutomationId,
    /// The event that started it.
    pub event_id: EventId,
    /// The trigger that saw the event.
    pub trigger_id: TriggerId,
    /// Where it stands.
    pub status: RunStatus,
    /// Why it stands there.
    pub status_reason: Option<String>,
    /// How often it was started.
    pub attempt: i32,
    /// When it must be done.
    pub deadline_at: Option<Timestamp>,
    /// When it was started.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub completed_at: Option<Timestamp>,
    /// What its consumer returned.
    pub result: Option<Value>,
    /// What went wrong.
    pub error: Option<String>,
    /// When it was written.
    pub created_at: Timestamp,
}

/// One change of an event's or a run's status.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Transition {
    /// The status before.
    pub from: String,
    /// The status after.
    pub to: String,
    /// Who changed it.
    pub actor: String,
    /// Why.
    pub reason: Option<String>,
    /// When.
    pub at: Timestamp,
}
