//! Triggers: `write.rs` creates, changes and deletes them, `read.rs` reads them, `ticks.rs`
//! fires those that follow the clock, `counts.rs` counts their events.

mod counts;
mod read;
pub(super) mod ticks;
mod write;

pub use ticks::Fired;

use super::SealedSecret;
use crate::domain::patch::Patch;
use crate::domain::resource::TriggerKind;
use crate::domain::schedule::MissedTicks;
use crate::domain::{AutomationId, IntegrationId, ScheduleId, TriggerId};
use serde_json::Value;

/// A trigger to create.
#[derive(Clone, Debug)]
pub struct NewTrigger {
    /// Its id, which its secret is bound to.
    pub id: TriggerId,
    /// The automation that it starts.
    pub automation: TriggerAutomation,
    /// A name for people.
    pub name: String,
    /// The provider of its events.
    pub provider: String,
    /// Its kind.
    pub kind: TriggerKind,
    /// The account whose deliveries it sees.
    pub integration: Option<IntegrationId>,
    /// Its configuration, which selects events; checked by the caller.
    pub config: Value,
    /// A disabled trigger sees no events.
    pub enabled: bool,
    /// Its URL; none unless it is a webhook trigger.
    pub endpoint: Option<WebhookEndpoint>,
    /// Its ticks; none unless it is scheduled.
    pub clock: Option<TickTiming>,
    /// Its polls; none unless it is a polling trigger.
    pub poll: Option<TriggerPoll>,
}

/// A trigger's own URL.
#[derive(Clone, Debug)]
pub struct WebhookEndpoint {
    /// The token in the URL.
    pub token: String,
    /// The secret that signs its deliveries.
    pub secret: SealedSecret,
}

/// The ticks of a scheduled trigger; checked by the caller.
#[derive(Clone, Debug)]
pub struct TickTiming {
    /// Its own cron and time zone; none if it follows a schedule.
    pub cron: Option<(String, String)>,
    /// The schedule that it follows.
    pub schedule: Option<ScheduleId>,
    /// The treatment of missed ticks.
    pub missed_ticks: MissedTicks,
}

/// The times at which a trigger's service is polled; checked by the caller.
#[derive(Clone, Debug)]
pub enum TriggerPoll {
    /// The number of seconds after the last poll.
    Every(u32),
    /// At the ticks of a cron in a time zone.
    At(String, String),
}

impl TriggerPoll {
    fn interval_seconds(&self) -> Option<u32> {
        match self {
            Self::Every(seconds) => Some(*seconds),
            Self::At(..) => None,
        }
    }

    fn cron(&self) -> Option<(&str, &str)> {
        match self {
            Self::Every(_) => None,
            Self::At(cron, zone) => Some((cron, zone)),
        }
    }
}

/// The automation of a new trigger.
#[derive(Clone, Debug)]
pub enum TriggerAutomation {
    /// An existing one.
    Existing(AutomationId),
    /// A new one with this name.
    New(String),
}

/// A change of a trigger.
#[derive(Clone, Debug, Default)]
pub struct TriggerPatch {
    /// A name for people.
    pub name: Option<String>,
    /// Its configuration, which selects events; checked by the caller.
    pub config: Option<Value>,
    /// A disabled trigger sees no events.
    pub enabled: Option<bool>,
    /// The account whose deliveries it sees.
    pub integration: Patch<IntegrationId>,
    /// Seconds between two polls, instead of the interval or the cron before.
    pub poll_interval_seconds: Option<u32>,
    /// Its own cron, instead of that before, a schedule or an interval.
    pub cron: Option<String>,
    /// Its own time zone.
    pub timezone: Option<String>,
    /// The schedule to follow, instead of a cron of its own.
    pub schedule: Option<ScheduleId>,
    /// The treatment of missed ticks.
    pub missed_ticks: Option<MissedTicks>,
}

impl TriggerPatch {
    /// True if the change affects how its service is polled.
    fn concerns_polls(&self) -> bool {
        self.config.is_some()
            || self.enabled.is_some()
            || !self.integration.is_keep()
            || self.poll_interval_seconds.is_some()
            || self.cron.is_some()
            || self.timezone.is_some()
    }
}
