//! Triggers: `write.rs` creates, changes and deletes them, `read.rs` reads them, `ticks.rs`
//! fires those that follow the clock, `counts.rs` counts their events.

mod counts;
mod read;
pub(super) mod ticks;
mod write;

pub use ticks::Fired;

use super::SealedSecret;
use crate::domain::resource::TriggerKind;
use crate::domain::schedule::MissedTicks;
use crate::domain::{AutomationId, IntegrationId, ScheduleId, TriggerId};
use serde_json::Value;

/// A trigger to create.
#[derive(Clone, Debug)]
pub struct NewTrigger {
    /// Its id, to which its secret is bound.
    pub id: TriggerId,
    /// What it runs.
    pub automation: TriggerAutomation,
    /// For people.
    pub name: String,
    /// Whose events.
    pub provider: String,
    /// What makes it fire.
    pub kind: TriggerKind,
    /// The account whose deliveries it sees.
    pub integration: Option<IntegrationId>,
    /// Which events it wants; checked by the caller.
    pub config: Value,
    /// Whether it sees anything.
    pub enabled: bool,
    /// Where deliveries may come in; none if it fires otherwise.
    pub door: Option<TriggerDoor>,
    /// When it fires by itself; none if it does not.
    pub clock: Option<TickTiming>,
    /// When its service is asked; none if it does not poll.
    pub poll: Option<TriggerPoll>,
}

/// A trigger's own URL.
#[derive(Clone, Debug)]
pub struct TriggerDoor {
    /// Of the URL.
    pub token: String,
    /// Of the deliveries to it.
    pub secret: SealedSecret,
}

/// When a trigger fires by itself; checked by the caller.
#[derive(Clone, Debug)]
pub struct TickTiming {
    /// Its own cron and time zone; none if it follows a schedule.
    pub cron: Option<(String, String)>,
    /// The schedule that it follows.
    pub schedule: Option<ScheduleId>,
    /// What becomes of ticks that were missed.
    pub missed_ticks: MissedTicks,
}

/// When a trigger's service is asked; checked by the caller.
#[derive(Clone, Debug)]
pub enum TriggerPoll {
    /// So many seconds after the last time.
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

/// What a new trigger runs.
#[derive(Clone, Debug)]
pub enum TriggerAutomation {
    /// One that exists.
    Existing(AutomationId),
    /// One that is created with it, under this name.
    New(String),
}

/// What may change about a trigger.
#[derive(Clone, Debug, Default)]
pub struct TriggerPatch {
    /// For people.
    pub name: Option<String>,
    /// Which events it wants; checked by the caller.
    pub config: Option<Value>,
    /// Whether it sees anything.
    pub enabled: Option<bool>,
    /// The account whose deliveries it sees; `Some(None)` for none.
    pub integration: Option<Option<IntegrationId>>,
    /// Seconds between two polls, instead of the interval or the cron before.
    pub poll_interval_seconds: Option<u32>,
    /// Its own cron, instead of that before, a schedule or an interval.
    pub cron: Option<String>,
    /// Its own time zone.
    pub timezone: Option<String>,
    /// The schedule to follow, instead of a cron of its own.
    pub schedule: Option<ScheduleId>,
    /// What becomes of ticks that were missed.
    pub missed_ticks: Option<MissedTicks>,
}

impl TriggerPatch {
    /// Whether it changes what is asked of a service, or when.
    fn concerns_polls(&self) -> bool {
        self.config.is_some()
            || self.enabled.is_some()
            || self.integration.is_some()
            || self.poll_interval_seconds.is_some()
            || self.cron.is_some()
            || self.timezone.is_some()
    }
}
