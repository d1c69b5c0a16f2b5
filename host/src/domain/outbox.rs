//! The outbox: the only way in which anybody learns that a run exists.

use crate::domain::{OutboxId, OutboxStatus, RunId, Timestamp};
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;
use uuid::Uuid;

/// The kind of the message that hands a run over.
pub const ENQUEUE_ENRICH: &str = "enqueue_enrich";

/// A message that a consumer holds until its lease lapses.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ClaimedMessage {
    /// Its id.
    pub id: OutboxId,
    /// What it asks for: `enqueue_enrich`.
    pub kind: String,
    /// Ids of the run, its event, trigger and automation; the event's kind and
    /// title.
    #[schema(value_type = Object)]
    pub payload: Box<RawValue>,
    /// How often it was claimed, this time included.
    pub attempt: i32,
    /// Proves the claim when acknowledging it.
    pub lease_token: Uuid,
    /// When the lease lapses.
    pub lease_expires_at: Timestamp,
    /// Of its attempts, those that count against the limit.
    #[serde(skip)]
    pub counted: i32,
}

/// A message of the outbox.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct OutboxMessage {
    /// Its id.
    pub id: OutboxId,
    /// What it asks for: `enqueue_enrich`.
    pub kind: String,
    /// The run that it hands over.
    pub run_id: RunId,
    /// Where it stands.
    pub status: OutboxStatus,
    /// How often it was claimed or sent.
    pub attempt: i32,
    /// When it is due, or its lease lapses; null once it is settled.
    pub due_at: Option<Timestamp>,
    /// Why the last attempt failed.
    pub error: Option<String>,
    /// When it was written.
    pub created_at: Timestamp,
    /// When it was settled.
    pub processed_at: Option<Timestamp>,
}

/// What a consumer's answer did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeaseOutcome {
    /// Written.
    Done(OutboxStatus),
    /// No such message in this organization.
    NotFound,
    /// The lease has lapsed, or belongs to somebody else.
    Lost,
}
