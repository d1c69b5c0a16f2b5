//! Scheduled triggers: named schedules, due ticks, and missed ticks.

use crate::domain::cron::Cron;
use crate::domain::event::{DecidedEvent, Decision, ParsedEvent, SkipReason};
use crate::domain::text_enum::text_enum;
use crate::domain::{AutomationId, OrgId, ScheduleId, Timestamp, TriggerId};
use serde::Serialize;
use std::sync::Arc;
use std::time::Duration;
use utoipa::ToSchema;

/// The provider name of scheduled triggers.
pub const PROVIDER: &str = "scheduled";
/// The kind of the events of scheduled triggers.
pub const EVENT_KIND: &str = "scheduled.tick";

/// A named cron of an automation. Triggers refer to it and follow its changes; it fires
/// nothing without them.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Schedule {
    /// The id of the schedule.
    pub id: ScheduleId,
    /// The automation of the schedule.
    pub automation_id: AutomationId,
    /// The display name.
    pub name: String,
    /// Five fields, or six with seconds first.
    pub cron: String,
    /// An IANA time zone.
    pub timezone: String,
    /// The time of creation.
    pub created_at: Timestamp,
    /// The time of the last change.
    pub updated_at: Timestamp,
}

text_enum! {
    /// The policy for ticks that were due while no scheduler ran.
    #[derive(Default)]
    pub enum MissedTicks {
        /// Missed ticks start no run.
        Skip = "skip",
        /// The last missed tick starts a run.
        #[default]
        Last = "last",
        /// Each missed tick starts a run, up to a configured limit.
        All = "all",
    }
}

/// A trigger whose tick is due.
#[derive(Clone, Debug)]
pub struct DueTrigger {
    /// The id of the trigger.
    pub id: TriggerId,
    /// The organization of the trigger.
    pub org: OrgId,
    /// The automation of the trigger.
    pub automation: AutomationId,
    /// True if the automation is enabled.
    pub automation_enabled: bool,
    /// The name of the trigger.
    pub name: String,
    /// The cron of the trigger or of its schedule.
    pub cron: Cron,
    /// The schedule that the trigger follows, if any.
    pub schedule: Option<ScheduleId>,
    /// The first tick that has not been fired.
    pub due_at: Timestamp,
    /// The policy for missed ticks.
    pub missed_ticks: MissedTicks,
}

/// The first window in which missed ticks are looked for, backwards from now, and the
/// factor by which the next windows grow.
const WINDOW_MIN: Duration = Duration::from_secs(60);
const WINDOW_FACTOR: u32 = 8;

/// The missed ticks of a trigger.
#[derive(Default)]
struct Late {
    /// The ticks that fire, oldest first.
    fires: Vec<Timestamp>,
    /// The newest tick that does not fire.
    given_up: Option<Timestamp>,
}

/// Limits on firing.
#[derive(Clone, Copy, Debug)]
pub struct FiringLimits {
    /// A tick that is seen later than this after its time counts as missed.
    pub late: Duration,
    /// Missed ticks of one trigger that start runs, with the policy `all`.
    pub missed_ticks_max: usize,
    /// Events of one transaction, of all its triggers together. The rest follows in the next
    /// one.
    pub events_max: usize,
}

/// The result of firing a due trigger.
#[derive(Debug)]
pub struct Firing {
    /// One event for all missed ticks that start no run, then one event for each tick that
    /// starts one, oldest first.
    pub events: Vec<DecidedEvent>,
    /// The next tick, if any. One that is due already fires in the next transaction.
    pub next: Option<Timestamp>,
}

impl Firing {
    /// The oldest `max` events. The next tick is that of the first event left out.
    pub fn first(mut self, max: usize) -> Self {
        if let Some(left_out) = self.events.get(max) {
            // Every event of a tick has its time.
            self.next = left_out.event.occurred_at;
            self.events.truncate(max);
        }
        self
    }
}

impl DueTrigger {
    /// Decides each tick up to `now`, but at most `events_max` that are in time.
    pub fn fire(&self, now: Timestamp, limits: FiringLimits) -> Firing {
        // The stored `due_at` is a tick only if the cron, as this version reads it, agrees.
        let first = self.cron.next_after(Timestamp(self.due_at.0 - 1));
        let Some(first) = first.filter(|first| *first <= now) else {
            return Firing {
                events: Vec::new(),
                next: first,
            };
        };
        let late_before = now - limits.late;
        let (in_time, next) = self.ticks(first.max(late_before), now, limits.events_max);
        let keep = match self.missed_ticks {
            MissedTicks::Skip => 0,
            MissedTicks::Last => 1,
            MissedTicks::All => limits.missed_ticks_max,
        };
        let Late { fires, given_up } = self.late(first, late_before, keep);
        let missed = given_up.map(|last| self.missed(first, last));
        let fired = fires.into_iter().chain(in_time);
        Firing {
            events: missed
                .into_iter()
                .chain(fired.map(|tick| self.tick(tick)))
                .collect(),
            next,
        }
    }

    /// The first `max` ticks from `from` to `until`, both included, and the tick after them.
    fn ticks(
        &self,
        from: Timestamp,
        until: Timestamp,
        max: usize,
    ) -> (Vec<Timestamp>, Option<Timestamp>) {
        let mut ticks = Vec::new();
        let mut next = self.cron.next_after(Timestamp(from.0 - 1));
        while let Some(tick) = next.filter(|tick| *tick <= until && ticks.len() < max) {
            ticks.push(tick);
            next = self.cron.next_after(tick);
        }
        (ticks, next)
    }

    /// The missed ticks from `first` until before `end`, of which the newest `keep` fire.
    /// Looks backwards in growing windows and never visits all of them: a cron with seconds
    /// has half a million in a week.
    fn late(&self, first: Timestamp, end: Timestamp, keep: usize) -> Late {
        if first >= end {
            return Late::default();
        }
        let mut window = WINDOW_MIN;
        loop {
            let from = first.max(end - window);
            let (mut ticks, _) = self.ticks(from, Timestamp(end.0 - 1), usize::MAX);
            // One more than `keep` is needed, to name the newest one that does not fire.
            if from == first || ticks.len() > keep {
                let fires = ticks.split_off(ticks.len().saturating_sub(keep));
                return Late {
                    fires,
                    given_up: ticks.pop(),
                };
            }
            window *= WINDOW_FACTOR;
        }
    }

    fn tick(&self, tick: Timestamp) -> DecidedEvent {
        let decision = if self.automation_enabled {
            Decision::Run
        } else {
            Decision::Skip {
                reason: SkipReason::AutomationDisabled,
                detail: None,
            }
        };
        self.event(tick, format!("tick:{tick}"), self.name.clone(), decision)
    }

    /// One skipped event for all missed ticks that start no run.
    fn missed(&self, first: Timestamp, last: Timestamp) -> DecidedEvent {
        let detail = if first == last {
            format!("the tick of {first} was missed")
        } else {
            format!("ticks from {first} to {last} were missed")
        };
        let decision = Decision::Skip {
            reason: SkipReason::MissedTick,
            detail: Some(detail),
        };
        let key = format!("missed:{first}:{last}");
        self.event(last, key, format!("{}: missed", self.name), decision)
    }

    fn event(
        &self,
        tick: Timestamp,
        key: String,
        title: String,
        decision: Decision,
    ) -> DecidedEvent {
        let facts = serde_json::json!({
            "fired_at": tick,
            "cron": self.cron.expression(),
            "timezone": self.cron.zone(),
            "schedule_id": self.schedule,
        });
        DecidedEvent {
            org: self.org.clone(),
            trigger: self.id,
            automation: self.automation,
            event: Arc::new(ParsedEvent {
                dedup_key: key,
                kind: EVENT_KIND.into(),
                occurred_at: Some(tick),
                title,
                url: None,
                actor: None,
                facts: facts.to_string(),
            }),
            decision,
        }
    }
}

#[cfg(test)]
mod tests;
