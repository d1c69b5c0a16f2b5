//! What an organization sets up beside integrations: automations and triggers.

use crate::domain::integration::IntegrationStatus;
use crate::domain::schedule::MissedTicks;
use crate::domain::text_enum::text_enum;
use crate::domain::{AutomationId, IntegrationId, ScheduleId, Timestamp, TriggerId};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// What runs.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Automation {
    /// Its id.
    pub id: AutomationId,
    /// For people.
    pub name: String,
    /// Events of a disabled automation are skipped, visibly.
    pub enabled: bool,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// What stands for the provider of triggers that people fire.
pub const MANUAL_PROVIDER: &str = "manual";

text_enum! {
    /// What makes a trigger fire.
    pub enum TriggerKind {
        /// A delivery.
        Webhook = "webhook",
        /// Something new at a service that is asked.
        Polling = "polling",
        /// The clock.
        Scheduled = "scheduled",
        /// A person.
        Manual = "manual",
    }
}

/// Which events start which automation.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Trigger {
    /// Its id.
    pub id: TriggerId,
    /// What it runs.
    pub automation_id: AutomationId,
    /// For people.
    pub name: String,
    /// Whose events.
    pub provider: String,
    /// What makes it fire.
    pub kind: TriggerKind,
    /// The account that it is about: whose deliveries a webhook trigger sees, besides
    /// those to its own URL, and which one a polling trigger has asked.
    pub integration_id: Option<IntegrationId>,
    /// Which events it wants, after the provider's schema.
    #[schema(value_type = Object)]
    pub config: Value,
    /// A disabled trigger sees nothing.
    pub enabled: bool,
    /// Seconds between two polls, of a polling trigger without a cron. The shortest
    /// interval of an integration's triggers counts for all of them.
    pub poll_interval_seconds: Option<u32>,
    /// When it fires, if by the clock: its own cron, or its schedule's. When its service
    /// is asked, if it polls.
    pub cron: Option<String>,
    /// The time zone of the cron.
    pub timezone: Option<String>,
    /// The schedule that it follows.
    pub schedule_id: Option<ScheduleId>,
    /// What becomes of ticks that were due while nothing ran.
    pub missed_ticks: Option<MissedTicks>,
    /// The next tick.
    pub next_tick_at: Option<Timestamp>,
    /// Why the cron or its time zone, which were in order once, cannot be read any more.
    /// Nothing fires until either is changed.
    pub cron_error: Option<String>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// A trigger as a worker needs it, with its automation's state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActiveTrigger {
    /// The trigger.
    pub id: TriggerId,
    /// Its organization.
    pub org: crate::domain::OrgId,
    /// What it runs.
    pub automation: AutomationId,
    /// Whether the automation is switched on.
    pub automation_enabled: bool,
    /// Of the integration that it belongs to, if to any.
    pub integration_status: Option<IntegrationStatus>,
    /// JSON, as stored.
    pub config: String,
}
