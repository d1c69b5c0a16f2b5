//! An event: one thing that happened, as one trigger saw it.

use crate::domain::text_enum::text_enum;
use crate::domain::{AutomationId, DeliveryId, EventId, EventStatus, OrgId, Timestamp, TriggerId};
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

/// What a provider made of a delivery: an event that no trigger has seen yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParsedEvent {
    /// Identifies the occurrence, once per trigger.
    pub dedup_key: String,
    /// What happened, in the service's words.
    pub kind: String,
    /// When, according to the service.
    pub occurred_at: Option<Timestamp>,
    /// One line for people.
    pub title: String,
    /// Where to look at it.
    pub url: Option<String>,
    /// Who did it.
    pub actor: Option<String>,
    /// A JSON object of the provider's own.
    pub facts: String,
}

/// What one configuration makes of one event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It starts a run.
    Accept,
    /// It does not, for this reason.
    Reject(String),
    /// The configuration cannot be understood, for this reason.
    InvalidConfig(String),
}

text_enum! {
    /// Why an event started no run.
    pub enum SkipReason {
        /// The automation is switched off.
        AutomationDisabled = "automation_disabled",
        /// The trigger's configuration does not want it.
        FilterMismatch = "filter_mismatch",
        /// The trigger's configuration cannot be understood.
        InvalidConfig = "invalid_config",
        /// The run could not be created.
        RunCreateFailed = "run_create_failed",
        /// A person skipped it.
        Manual = "manual",
        /// A tick that was missed while nothing ran.
        MissedTick = "missed_tick",
    }
}

/// Whether an event starts a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It does.
    Run,
    /// It does not.
    Skip {
        /// Why.
        reason: SkipReason,
        /// In the words of whoever decided.
        detail: Option<String>,
    },
}

/// An event for one trigger, decided and ready to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecidedEvent {
    /// The trigger's organization.
    pub org: OrgId,
    /// The trigger.
    pub trigger: TriggerId,
    /// What the trigger runs.
    pub automation: AutomationId,
    /// What happened.
    pub event: std::sync::Arc<ParsedEvent>,
    /// Whether it starts a run.
    pub decision: Decision,
}

/// An event as people see it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Event {
    /// Its id.
    pub id: EventId,
    /// The trigger that saw it.
    pub trigger_id: TriggerId,
    /// What the trigger runs.
    pub automation_id: AutomationId,
    /// The delivery that it came with.
    pub delivery_id: Option<DeliveryId>,
    /// Where it stands.
    pub status: EventStatus,
    /// What happened, in the service's words.
    pub kind: String,
    /// Identifies the occurrence, once per trigger.
    pub dedup_key: String,
    /// One line for people.
    pub title: String,
    /// Where to look at it.
    pub url: Option<String>,
    /// Who did it.
    pub actor: Option<String>,
    /// When, according to the service.
    pub occurred_at: Option<Timestamp>,
    /// A JSON object of the provider's own.
    #[schema(value_type = Object)]
    pub facts: Box<RawValue>,
    /// Why it started no run.
    pub skip_reason: Option<SkipReason>,
    /// In the words of whoever decided.
    pub skip_detail: Option<String>,
    /// What went wrong.
    pub error: Option<String>,
    /// The event that this one repeats.
    pub replay_of: Option<EventId>,
    /// When it was written.
    pub created_at: Timestamp,
    /// When it was completed, failed or skipped.
    pub processed_at: Option<Timestamp>,
}

impl Event {
    /// What a provider made of it, as it was when it was decided.
    pub fn parsed(&self) -> ParsedEvent {
        ParsedEvent {
            dedup_key: self.dedup_key.clone(),
            kind: self.kind.clone(),
            occurred_at: self.occurred_at,
            title: self.title.clone(),
            url: self.url.clone(),
            actor: self.actor.clone(),
            facts: self.facts.get().to_owned(),
        }
    }
}
