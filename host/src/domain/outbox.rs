//! The outbox: the only way in which anybody learns that a run exists.

use crate::domain::{OutboxId, OutboxStatus, Timestamp};
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
