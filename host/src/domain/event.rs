//! An event: one thing that happened, as one trigger saw it.

use crate::domain::text_enum::text_enum;
use crate::domain::{AutomationId, DeliveryId, EventId, EventStatus, OrgId, Timestamp, TriggerId};
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

/// An event as a provider parsed it, before any trigger sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParsedEvent {
    /// Identifies the occurrence. Each trigger takes a key once.
    pub dedup_key: String,
    /// The kind of the event, in the service's terms.
    pub kind: String,
    /// The time of the event, according to the service.
    pub occurred_at: Option<Timestamp>,
    /// A line of text that describes the event.
    pub title: String,
    /// A link to the event at its service.
    pub url: Option<String>,
    /// The person or bot that caused the event.
    pub actor: Option<String>,
    /// The provider's facts about the event, as a JSON object.
    pub facts: String,
}

/// The filter's verdict on one event for one configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The event starts a run.
    Accept,
    /// The event starts no run, for this reason.
    Reject(String),
    /// The configuration is invalid, for this reason.
    InvalidConfig(String),
}

text_enum! {
    /// The reason for which an event started no run.
    pub enum SkipReason {
        /// The automation is disabled.
        AutomationDisabled = "automation_disabled",
        /// The trigger's configuration does not match.
        FilterMismatch = "filter_mismatch",
        /// The trigger's configuration is invalid.
        InvalidConfig = "invalid_config",
        /// The run could not be created.
        RunCreateFailed = "run_create_failed",
        /// A person skipped it.
        Manual = "manual",
        /// The tick was missed because no scheduler ran.
        MissedTick = "missed_tick",
    }
}

/// The decision about an event for one trigger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// The event starts a run.
    Run,
    /// The event starts no run.
    Skip {
        /// The reason.
        reason: SkipReason,
        /// Details, in the words of the filter or the person.
        detail: Option<String>,
    },
}

/// A decided event for one trigger, ready to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecidedEvent {
    /// The trigger's organization.
    pub org: OrgId,
    /// The trigger that sees the event.
    pub trigger: TriggerId,
    /// The automation of the trigger.
    pub automation: AutomationId,
    /// The event.
    pub event: std::sync::Arc<ParsedEvent>,
    /// The decision.
    pub decision: Decision,
}

/// An event, as the API shows it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Event {
    /// The id of the event.
    pub id: EventId,
    /// The trigger that saw the event.
    pub trigger_id: TriggerId,
    /// The automation of the trigger.
    pub automation_id: AutomationId,
    /// The delivery that contained the event.
    pub delivery_id: Option<DeliveryId>,
    /// The status of the event.
    pub status: EventStatus,
    /// The kind of the event, in the service's terms.
    pub kind: String,
    /// Identifies the occurrence. Each trigger takes a key once.
    pub dedup_key: String,
    /// A line of text that describes the event.
    pub title: String,
    /// A link to the event at its service.
    pub url: Option<String>,
    /// The person or bot that caused the event.
    pub actor: Option<String>,
    /// The time of the event, according to the service.
    pub occurred_at: Option<Timestamp>,
    /// The provider's facts about the event, as a JSON object.
    #[schema(value_type = Object)]
    pub facts: Box<RawValue>,
    /// The reason for which the event started no run.
    pub skip_reason: Option<SkipReason>,
    /// Details, in the words of the filter or the person.
    pub skip_detail: Option<String>,
    /// The error of the run.
    pub error: Option<String>,
    /// The event that this one replays.
    pub replay_of: Option<EventId>,
    /// The time of creation.
    pub created_at: Timestamp,
    /// The time at which the event was completed, failed or skipped.
    pub processed_at: Option<Timestamp>,
}

impl Event {
    /// The event as the provider parsed it.
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
