//! Triggers that fire by the clock: named schedules, and what becomes of ticks that
//! nobody saw.

use crate::domain::cron::Cron;
use crate::domain::event::{DecidedEvent, Decision, ParsedEvent, SkipReason};
use crate::domain::text_enum::text_enum;
use crate::domain::{AutomationId, OrgId, ScheduleId, Timestamp, TriggerId};
use serde::Serialize;
use std::sync::Arc;
use std::time::Duration;
use utoipa::ToSchema;

/// What stands for the provider of triggers that fire by the clock.
pub const PROVIDER: &str = "scheduled";
/// The kind of their events.
pub const EVENT_KIND: &str = "scheduled.tick";

/// A named cron definition of an automation. Triggers point at it and follow it; it
/// does not fire by itself.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Schedule {
    /// Its id.
    pub id: ScheduleId,
    /// Whose it is.
    pub automation_id: AutomationId,
    /// For people.
    pub name: String,
    /// Five fields, or six with seconds first.
    pub cron: String,
    /// An IANA time zone.
    pub timezone: String,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

text_enum! {
    /// What becomes of ticks that were due while nothing ran.
    #[derive(Default)]
    pub enum MissedTicks {
        /// They start no run.
        Skip = "skip",
        /// The last of them starts one.
        #[default]
        Last = "last",
        /// Each of them starts one, up to a limit of the configuration.
        All = "all",
    }
}

/// A trigger whose tick is due.
#[derive(Clone, Debug)]
pub struct DueTrigger {
    /// The trigger.
    pub id: TriggerId,
    /// Its organization.
    pub org: OrgId,
    /// What it runs.
    pub automation: AutomationId,
    /// Whether the automation is switched on.
    pub automation_enabled: bool,
    /// Its name.
    pub name: String,
    /// When it fires.
    pub cron: Cron,
    /// The schedule that says so, if not the trigger itself.
    pub schedule: Option<ScheduleId>,
    /// The first tick that nobody saw.
    pub due_at: Timestamp,
    /// What becomes of the ticks that are late.
    pub missed_ticks: MissedTicks,
}

/// How far back late ticks are looked for first, and by how much farther after that.
const WINDOW_MIN: Duration = Duration::from_secs(60);
const WINDOW_FACTOR: u32 = 8;

/// What becomes of ticks that are late.
#[derive(Default)]
struct Late {
    /// Oldest first.
    fires: Vec<Timestamp>,
    /// The newest of those that do not fire.
    given_up: Option<Timestamp>,
}

/// Limits on firing.
#[derive(Clone, Copy, Debug)]
pub struct FiringLimits {
    /// A tick that is seen later than this after its time was missed.
    pub late: Duration,
    /// Missed ticks of one trigger that start runs at once at most, where it wants all.
    pub missed_ticks_max: usize,
}

/// What a due trigger does now.
#[derive(Debug)]
pub struct Firing {
    /// One event for each tick that starts a run, oldest first; and one for all that
    /// start none.
    pub events: Vec<DecidedEvent>,
    /// The next tick, if there is one.
    pub next: Option<Timestamp>,
}

impl DueTrigger {
    /// Decides what becomes of each tick up to `now`.
    pub fn fire(&self, now: Timestamp, limits: FiringLimits) -> Firing {
        // Whatever was due is a tick only if the cron, as it is read today, says so.
        let first = self.cron.next_after(Timestamp(self.due_at.0 - 1));
        let Some(first) = first.filter(|first| *first <= now) else {
            return Firing {
                events: Vec::new(),
                next: first,
            };
        };
        let late_before = now - limits.late;
        let (in_time, next) = self.ticks(first.max(late_before), now);
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

    /// The ticks from `from` to `until`, both included, and the first one after.
    fn ticks(&self, from: Timestamp, until: Timestamp) -> (Vec<Timestamp>, Option<Timestamp>) {
        let mut ticks = Vec::new();
        let mut next = self.cron.next_after(Timestamp(from.0 - 1));
        while let Some(tick) = next.filter(|tick| *tick <= until) {
            ticks.push(tick);
            next = self.cron.next_after(tick);
        }
        (ticks, next)
    }

    /// What becomes of the ticks from `first` on that are before `end`: the newest
    /// `keep` fire. The others are not counted, and not even looked at one by one: a
    /// cron of seconds has half a million in a week.
    fn late(&self, first: Timestamp, end: Timestamp, keep: usize) -> Late {
        if first >= end {
            return Late::default();
        }
        let mut window = WINDOW_MIN;
        loop {
            let from = first.max(end - window);
            let (mut ticks, _) = self.ticks(from, Timestamp(end.0 - 1));
            // One more than fire, to name the newest of those that do not.
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

    /// One event for all ticks that start no run.
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
