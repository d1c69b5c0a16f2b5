//! The outbox: the only way in which consumers learn that a run exists.

use crate::domain::{OutboxId, OutboxStatus, RunId, Timestamp};
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;
use uuid::Uuid;

/// The kind of the message that hands a run over.
pub const ENQUEUE_ENRICH: &str = "enqueue_enrich";

/// A message that a consumer holds until its lease expires.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ClaimedMessage {
    /// The id of the message.
    pub id: OutboxId,
    /// The kind of the message: `enqueue_enrich`.
    pub kind: String,
    /// Ids of the run, its event, trigger and automation; the event's kind and
    /// title.
    #[schema(value_type = Object)]
    pub payload: Box<RawValue>,
    /// The number of claims, including this one.
    pub attempt: i32,
    /// Proves the claim in an acknowledgment.
    pub lease_token: Uuid,
    /// The end of the lease.
    pub lease_expires_at: Timestamp,
    /// The attempts that count against the limit.
    #[serde(skip)]
    pub counted: i32,
    /// The time of the first attempt since its creation, or since a person retried it.
    #[serde(skip)]
    pub tried_since: Timestamp,
}

/// A message in the outbox.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct OutboxMessage {
    /// The id of the message.
    pub id: OutboxId,
    /// The kind of the message: `enqueue_enrich`.
    pub kind: String,
    /// The run that the message hands over.
    pub run_id: RunId,
    /// The status of the message.
    pub status: OutboxStatus,
    /// The number of claims, by consumers and dispatchers.
    pub attempt: i32,
    /// The next attempt, or the end of the lease; null once the message is settled.
    pub due_at: Option<Timestamp>,
    /// The error of the last attempt.
    pub error: Option<String>,
    /// The time of creation.
    pub created_at: Timestamp,
    /// The time at which the message was settled.
    pub processed_at: Option<Timestamp>,
}

/// The effect of a consumer's acknowledgment or rejection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeaseOutcome {
    /// The message has this status now.
    Done(OutboxStatus),
    /// The organization has no such message.
    NotFound,
    /// The lease has expired, or another consumer holds it.
    Lost,
}
