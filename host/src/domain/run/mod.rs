//! A run: one execution of an automation, handed over through the outbox.
//!
//! Owns: what a run is, what may be done about one (`action.rs`), and what that
//! makes of it (`state.rs`).

mod action;
mod state;
#[cfg(test)]
mod tests;

pub use action::{Completion, Resolution, RunAction, RunOutcome, RunRefusal, Start};
pub use state::{
    CANCELLED, Change, DEADLINE, EVENT_SKIPPED, INACTIVITY, NOT_HANDED_OVER, NOT_STARTED, Note,
    RETRIED, RunState, TAKEN_OVER,
};

use crate::domain::{
    AutomationId, EventId, OutboxId, OutboxStatus, RunId, RunStatus, Timestamp, TriggerId,
};
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
    /// How often it was started: the number under which its consumer speaks.
    pub attempt: i32,
    /// When it must be done, by its last start.
    pub deadline_at: Option<Timestamp>,
    /// When its consumer must have been heard of again.
    pub heartbeat_due_at: Option<Timestamp>,
    /// When it was last started.
    pub started_at: Option<Timestamp>,
    /// When it ended; a later resolution does not change it.
    pub completed_at: Option<Timestamp>,
    /// What its consumer returned.
    pub result: Option<Value>,
    /// What went wrong.
    pub error: Option<String>,
    /// When it was written.
    pub created_at: Timestamp,
}

/// What became of the message that hands a run over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct HandOff {
    /// The message.
    pub id: OutboxId,
    /// Where it stands.
    pub status: OutboxStatus,
    /// How often it was claimed.
    pub attempt: i32,
    /// When it can be claimed again: its next attempt, or the end of a lease.
    pub due_at: Option<Timestamp>,
    /// What its consumer said when giving it back, or why it is a dead letter.
    pub error: Option<String>,
    /// When it was acknowledged, withdrawn or given up.
    pub processed_at: Option<Timestamp>,
}

/// One change of an event's or a run's status.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Transition {
    /// The status before.
    pub from: String,
    /// The status after.
    pub to: String,
    /// Who changed it: an API key, by its id and its name, or a part of the host.
    pub actor: String,
    /// Why.
    pub reason: Option<String>,
    /// What a person added.
    pub comment: Option<String>,
    /// When.
    pub at: Timestamp,
}
