//! Triggers that fire by the clock: named schedules, and what becomes of ticks that
//! nobody saw.

use crate::domain::cron::Cron;
use crate::domain::event::{DecidedEvent, Decision, ParsedEvent, SkipReason};
use crate::domain::{AutomationId, OrgId, ScheduleId, Timestamp, TriggerId};
use serde::{Deserialize, Serialize};
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
                missed("05:00:00"),
                "06:00:00 run".into(),
                "07:00:00 run".into(),
                "08:00:00 run".into(),
                "09:00:00 run".into()
            ]
        );
    }

    #[test]
    fn a_week_of_seconds_is_one_skip_and_what_is_in_time() {
        let due = due("* * * * * *", "2026-01-01T00:00:00Z", MissedTicks::Skip);
        let firing = due.fire(time("2026-01-08T00:00:00.5Z"), LIMITS);
        assert_eq!(firing.events.len(), 61);
        assert!(
            shown(&firing)[0]
                .contains("(ticks from 2026-01-01T00:00:00.000000Z to 2026-01-07T23:59:00"),
            "{:?}",
            shown(&firing)
        );
        assert_eq!(shown(&firing)[1], "23:59:01 run");
        assert_eq!(shown(&firing)[60], "00:00:00 run");
    }

    #[test]
    fn what_is_in_time_counts_against_no_limit() {
        let limits = FiringLimits {
            late: Duration::from_secs(600),
            missed_ticks_max: 1,
        };
        let due = due("* * * * *", "2026-01-01T00:00:00Z", MissedTicks::Last);
        let firing = due.fire(time("2026-01-01T00:30:00Z"), limits);
        assert_eq!(firing.events.len(), 1 + 1 + 11, "{:?}", shown(&firing));
        assert_eq!(shown(&firing)[1], "00:19:00 run");
    }

    #[test]
    fn what_the_cron_does_not_say_is_no_tick() {
        let due = due("0 9 * * *", "2026-01-01T10:17:03Z", MissedTicks::All);
        let firing = due.fire(time("2026-01-01T10:18:00Z"), LIMITS);
        assert!(firing.events.is_empty());
        assert_eq!(firing.next, Some(time("2026-01-02T09:00:00Z")));
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
