//! A run: one execution of an automation, handed over through the outbox.
//!
//! Owns: the run itself, the actions on it (`action.rs`), and its state after each action
//! (`state.rs`).
//! Never does: I/O. The store applies the resulting change.

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

/// A run, as the API shows it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Run {
    /// The id of the run, which is also the idempotency key of its hand-off.
    pub id: RunId,
    /// The automation that runs.
    pub automation_id: AutomationId,
    /// The event that started the run.
    pub event_id: EventId,
    /// The trigger that saw the event.
    pub trigger_id: TriggerId,
    /// The status of the run.
    pub status: RunStatus,
    /// The reason for the status.
    pub status_reason: Option<String>,
    /// The number of starts. A consumer names it in its calls.
    pub attempt: i32,
    /// The deadline of the last start.
    pub deadline_at: Option<Timestamp>,
    /// The time by which the next heartbeat is due.
    pub heartbeat_due_at: Option<Timestamp>,
    /// The time of the last start.
    pub started_at: Option<Timestamp>,
    /// The end of the run. A later resolution does not change it.
    pub completed_at: Option<Timestamp>,
    /// The result that the consumer reported.
    pub result: Option<Value>,
    /// The error that the consumer reported, or the host's.
    pub error: Option<String>,
    /// The time of creation.
    pub created_at: Timestamp,
}

/// The outbox message that hands a run over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct HandOff {
    /// The id of the message.
    pub id: OutboxId,
    /// The status of the message.
    pub status: OutboxStatus,
    /// The number of claims.
    pub attempt: i32,
    /// The next time at which the message can be claimed: its next attempt, or the end of a
    /// lease.
    pub due_at: Option<Timestamp>,
    /// The error that a consumer gave when it returned the message, or the reason for the
    /// dead letter.
    pub error: Option<String>,
    /// The time at which the message was acknowledged, withdrawn or given up.
    pub processed_at: Option<Timestamp>,
}

/// A change of an event's or a run's status.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Transition {
    /// The status before.
    pub from: String,
    /// The status after.
    pub to: String,
    /// The actor: an API key, by its id and name, or a part of the host.
    pub actor: String,
    /// The reason.
    pub reason: Option<String>,
    /// A comment by a person.
    pub comment: Option<String>,
    /// The time of the change.
    pub at: Timestamp,
}
