//! Triggers that fire by the clock: named schedules, and what becomes of ticks that
//! nobody saw.

use crate::domain::cron::Cron;
use crate::domain::event::{DecidedEvent, Decision, ParsedEvent, SkipReason};
use crate::domain::{AutomationId, OrgId, ScheduleId, Timestamp, TriggerId};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::str::FromStr;
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

/// What becomes of ticks that were due while nothing ran.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MissedTicks {
    /// They start no run.
    Skip,
    /// The last of them starts one.
    #[default]
    Last,
    /// Each of them starts one, up to a limit of the configuration.
    All,
}

impl MissedTicks {
    const ALL: [Self; 3] = [Self::Skip, Self::Last, Self::All];

    /// As it is stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Skip => "skip",
            Self::Last => "last",
            Self::All => "all",
        }
    }
}

impl FromStr for MissedTicks {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|missed| missed.as_str() == text)
            .ok_or_else(|| format!("expected skip, last or all, got {text:?}"))
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

/// What is looked at first for the newest ticks, and by how much more after that.
const WINDOW_MIN: Duration = Duration::from_secs(60 * 60);
const WINDOW_FACTOR: u32 = 8;

struct Newest {
    /// Oldest first.
    ticks: VecDeque<Timestamp>,
    /// The newest known tick that is not among them.
    given_up: Option<Timestamp>,
    /// The first tick that is still to come.
    next: Option<Timestamp>,
}

/// Limits on firing.
#[derive(Clone, Copy, Debug)]
pub struct FiringLimits {
    /// A tick that is seen later than this after its time was missed.
    pub late: Duration,
    /// Missed ticks of one trigger that start runs at once at most.
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
        let Newest {
            ticks,
            mut given_up,
            next,
        } = self.newest(now, limits.missed_ticks_max.max(1));
        let is_late = |tick: &Timestamp| *tick + limits.late < now;
        let mut fired: Vec<Timestamp> = Vec::new();
        let newest_late = ticks.iter().rev().find(|tick| is_late(tick)).copied();
        for tick in ticks {
            let fires = !is_late(&tick)
                || match self.missed_ticks {
                    MissedTicks::Skip => false,
                    MissedTicks::Last => Some(tick) == newest_late,
                    MissedTicks::All => true,
                };
            if fires {
                fired.push(tick);
            } else {
                given_up = Some(tick);
            }
        }
        let missed = given_up.map(|last| self.missed(last));
        let fired = fired.into_iter().map(|tick| self.tick(tick));
        Firing {
            events: missed.into_iter().chain(fired).collect(),
            next,
        }
    }

    /// The newest ticks up to `now`, at most `keep`. Only they can start runs, so the
    /// older ones are not counted: a cron of seconds has half a million in a week.
    fn newest(&self, now: Timestamp, keep: usize) -> Newest {
        let mut window = WINDOW_MIN;
        loop {
            let from = now - window;
            let is_whole = from <= self.due_at;
            let mut next = if is_whole {
                Some(self.due_at)
            } else {
                self.cron.next_after(from)
            };
            let mut ticks = VecDeque::new();
            let mut given_up = (!is_whole).then_some(self.due_at);
            while let Some(tick) = next.filter(|tick| *tick <= now) {
                ticks.push_back(tick);
                if ticks.len() > keep {
                    given_up = ticks.pop_front();
                }
                next = self.cron.next_after(tick);
            }
            if is_whole || ticks.len() == keep {
                return Newest {
                    ticks,
                    given_up,
                    next,
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
    fn missed(&self, last: Timestamp) -> DecidedEvent {
        let first = self.due_at;
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
mod tests {
    use super::*;

    fn time(text: &str) -> Timestamp {
        let time: jiff::Timestamp = text.parse().unwrap();
        Timestamp(time.as_microsecond())
    }

    const LIMITS: FiringLimits = FiringLimits {
        late: Duration::from_secs(60),
        missed_ticks_max: 3,
    };

    fn due(cron: &str, due_at: &str, missed_ticks: MissedTicks) -> DueTrigger {
        DueTrigger {
            id: TriggerId::new(),
            org: "acme".parse().unwrap(),
            automation: AutomationId::new(),
            automation_enabled: true,
            name: "Nightly".into(),
            cron: Cron::parse_stored(cron, "UTC").unwrap(),
            schedule: None,
            due_at: time(due_at),
            missed_ticks,
        }
    }

    /// `run` or the reason of a skip, with the tick.
    fn shown(firing: &Firing) -> Vec<String> {
        firing
            .events
            .iter()
            .map(|event| {
                let what = match &event.decision {
                    Decision::Run => "run".to_owned(),
                    Decision::Skip { reason, detail } => {
                        format!("{reason} ({})", detail.clone().unwrap_or_default())
                    }
                };
                let at = event.event.occurred_at.unwrap().to_string();
                format!("{} {what}", &at[11..19])
            })
            .collect()
    }

    #[test]
    fn a_tick_that_is_seen_in_time_starts_a_run_whatever_is_done_with_missed_ones() {
        for missed in MissedTicks::ALL {
            let firing = due("0 * * * *", "2026-01-01T10:00:00Z", missed)
                .fire(time("2026-01-01T10:00:59Z"), LIMITS);
            assert_eq!(shown(&firing), ["10:00:00 run"]);
            assert_eq!(firing.next, Some(time("2026-01-01T11:00:00Z")));
            assert_eq!(
                firing.events[0].event.dedup_key,
                "tick:2026-01-01T10:00:00.000000Z"
            );
            assert!(
                firing.events[0]
                    .event
                    .facts
                    .contains(r#""fired_at":"2026-01-01T10:00:00.000000Z""#)
            );
        }
    }

    #[test]
    fn what_was_missed_is_done_with_as_the_trigger_says() {
        let after_a_night = |missed| {
            let due = due("0 * * * *", "2026-01-01T04:00:00Z", missed);
            let firing = due.fire(time("2026-01-01T09:00:30Z"), LIMITS);
            assert_eq!(firing.next, Some(time("2026-01-01T10:00:00Z")));
            shown(&firing)
        };
        let missed = |last: &str| {
            format!(
                "{last} missed_tick (ticks from 2026-01-01T04:00:00.000000Z to 2026-01-01T{last}.000000Z were missed)"
            )
        };
        assert_eq!(
            after_a_night(MissedTicks::Skip),
            [missed("08:00:00"), "09:00:00 run".into()]
        );
        assert_eq!(
            after_a_night(MissedTicks::Last),
            [
                missed("07:00:00"),
                "08:00:00 run".into(),
                "09:00:00 run".into()
            ]
        );
        assert_eq!(
            after_a_night(MissedTicks::All),
            [
                missed("06:00:00"),
                "07:00:00 run".into(),
                "08:00:00 run".into(),
                "09:00:00 run".into()
            ]
        );
    }

    #[test]
    fn a_week_of_seconds_is_one_skip_and_the_newest_ticks() {
        let due = due("* * * * * *", "2026-01-01T00:00:00Z", MissedTicks::Skip);
        let firing = due.fire(time("2026-01-08T00:00:00.5Z"), LIMITS);
        assert_eq!(firing.events.len(), 4);
        assert!(
            shown(&firing)[0]
                .contains("(ticks from 2026-01-01T00:00:00.000000Z to 2026-01-07T23:59:57"),
            "{:?}",
            shown(&firing)
        );
        assert_eq!(shown(&firing)[3], "00:00:00 run");
    }

    #[test]
    fn ticks_that_are_far_apart_are_found_all_the_same() {
        let due = due("0 0 1 1 *", "2020-01-01T00:00:00Z", MissedTicks::All);
        let firing = due.fire(time("2026-06-01T00:00:00Z"), LIMITS);
        let years = firing
            .events
            .iter()
            .map(|event| event.event.occurred_at.unwrap().to_string());
        let years: Vec<_> = years.map(|at| at[..4].to_owned()).collect();
        assert_eq!(
            years,
            ["2023", "2024", "2025", "2026"],
            "the first is the missed one"
        );
        assert_eq!(firing.next, Some(time("2027-01-01T00:00:00Z")));
    }

    #[test]
    fn a_disabled_automation_skips_its_ticks() {
        let mut due = due("0 * * * *", "2026-01-01T10:00:00Z", MissedTicks::All);
        due.automation_enabled = false;
        let firing = due.fire(time("2026-01-01T10:00:01Z"), LIMITS);
        assert_eq!(shown(&firing), ["10:00:00 automation_disabled ()"]);
    }
}
