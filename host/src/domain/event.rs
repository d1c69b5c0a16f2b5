//! An event: one thing that happened, as one trigger saw it.

use crate::domain::{AutomationId, DeliveryId, EventId, EventStatus, OrgId, Timestamp, TriggerId};
use serde::Serialize;
use serde_json::value::RawValue;
use std::fmt;
use std::str::FromStr;
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

/// Why an event started no run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SkipReason {
    /// The automation is switched off.
    AutomationDisabled,
    /// The trigger's configuration does not want it.
    FilterMismatch,
    /// The trigger's configuration cannot be understood.
    InvalidConfig,
    /// The run could not be created.
    RunCreateFailed,
    /// A person skipped it.
    Manual,
    /// A tick that was missed while nothing ran.
    MissedTick,
}

impl SkipReason {
    const ALL: [Self; 6] = [
        Self::AutomationDisabled,
        Self::FilterMismatch,
        Self::InvalidConfig,
        Self::RunCreateFailed,
        Self::Manual,
        Self::MissedTick,
    ];

    /// The reason as it is stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AutomationDisabled => "automation_disabled",
            Self::FilterMismatch => "filter_mismatch",
            Self::InvalidConfig => "invalid_config",
            Self::RunCreateFailed => "run_create_failed",
            Self::Manual => "manual",
            Self::MissedTick => "missed_tick",
        }
    }
}

impl fmt::Display for SkipReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for SkipReason {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|reason| reason.as_str() == text)
            .ok_or_else(|| format!("expected a skip reason, got {text:?}"))
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
