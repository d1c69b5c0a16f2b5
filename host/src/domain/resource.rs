//! Automations and triggers.

use crate::domain::integration::IntegrationStatus;
use crate::domain::schedule::MissedTicks;
use crate::domain::text_enum::text_enum;
use crate::domain::{AutomationId, IntegrationId, ScheduleId, Timestamp, TriggerId};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// An automation: the thing that runs.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Automation {
    /// The id of the automation.
    pub id: AutomationId,
    /// The display name.
    pub name: String,
    /// False skips the events of the automation, visibly.
    pub enabled: bool,
    /// The time of creation.
    pub created_at: Timestamp,
    /// The time of the last change.
    pub updated_at: Timestamp,
}

/// The provider name of manual triggers.
pub const MANUAL_PROVIDER: &str = "manual";

text_enum! {
    /// The cause that fires a trigger.
    pub enum TriggerKind {
        /// A delivery.
        Webhook = "webhook",
        /// A new event at a polled service.
        Polling = "polling",
        /// A tick of a cron.
        Scheduled = "scheduled",
        /// A person.
        Manual = "manual",
    }
}

/// A trigger: the events that start an automation.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Trigger {
    /// The id of the trigger.
    pub id: TriggerId,
    /// The automation that the trigger starts.
    pub automation_id: AutomationId,
    /// The display name.
    pub name: String,
    /// The provider of the events.
    pub provider: String,
    /// The kind of the trigger.
    pub kind: TriggerKind,
    /// The integration whose account the trigger is about. A webhook trigger sees its
    /// deliveries, besides those to its own URL. A polling trigger polls it.
    pub integration_id: Option<IntegrationId>,
    /// The filter of events, by the provider's schema.
    #[schema(value_type = Object)]
    pub config: Value,
    /// A disabled trigger sees no events.
    pub enabled: bool,
    /// The time since which the trigger is on hold: its deliveries are stored and wait.
    pub held_at: Option<Timestamp>,
    /// Seconds between two polls of a polling trigger without a cron. The shortest interval
    /// of an integration's triggers counts for all of them.
    pub poll_interval_seconds: Option<u32>,
    /// The cron of a scheduled trigger (its own or its schedule's), or the polling times of
    /// a polling trigger.
    pub cron: Option<String>,
    /// The time zone of the cron.
    pub timezone: Option<String>,
    /// The schedule that the trigger follows.
    pub schedule_id: Option<ScheduleId>,
    /// The policy for ticks that were due while no scheduler ran.
    pub missed_ticks: Option<MissedTicks>,
    /// The next tick.
    pub next_tick_at: Option<Timestamp>,
    /// The reason for which a stored cron or time zone can no longer be read. The trigger
    /// does not fire until it is fixed.
    pub cron_error: Option<String>,
    /// The time of creation.
    pub created_at: Timestamp,
    /// The time of the last change.
    pub updated_at: Timestamp,
}

/// An enabled trigger as a worker needs it, with the state of its automation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActiveTrigger {
    /// The id of the trigger.
    pub id: TriggerId,
    /// The organization of the trigger.
    pub org: crate::domain::OrgId,
    /// The automation that the trigger starts.
    pub automation: AutomationId,
    /// True if the automation is enabled.
    pub automation_enabled: bool,
    /// The status of the trigger's integration, if it has one.
    pub integration_status: Option<IntegrationStatus>,
    /// True if a person has put the trigger or its integration on hold.
    pub is_held: bool,
    /// The configuration, as JSON.
    pub config: String,
}
