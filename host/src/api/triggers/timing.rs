//! The checks of when a trigger fires or polls: its cron, its schedule, its interval.

use super::body::{Change, Creation, PollSeconds};
use crate::api::check::Checks;
use crate::api::schedules::{ZONE_DEFAULT, check_cron};
use crate::api::values::WholeNumber as _;
use crate::api::{AppState, Problem};
use crate::clock;
use crate::domain::cron::Cron;
use crate::domain::resource::Trigger;
use crate::domain::{AutomationId, OrgId, ScheduleId};
use crate::store::{TickTiming, TriggerPoll};

/// The number of ticks that are examined for the shortest time between two of them.
const TICKS_EXAMINED: usize = 60;

const EITHER_CRON_OR_INTERVAL: &str = "expected either a cron or a poll_interval_seconds";
const EITHER_CRON_OR_SCHEDULE: &str = "expected either a cron or a schedule_id";
const ZONE_OF_SCHEDULE: &str = "is the schedule's";
const ZONE_WITHOUT_CRON: &str = "belongs to a cron";

/// The changed timing of a trigger. Absent values stay as they are.
#[derive(Debug, Default)]
pub(super) struct ChangedTiming {
    pub(super) interval_seconds: Option<u32>,
    pub(super) cron: Option<String>,
    pub(super) timezone: Option<String>,
}

impl ChangedTiming {
    fn of_cron((cron, timezone): (String, String)) -> Self {
        Self {
            interval_seconds: None,
            cron: Some(cron),
            timezone: Some(timezone),
        }
    }
}

/// Checks when a new scheduled trigger fires.
pub(super) async fn clock_of_new(
    checks: &mut Checks,
    state: &AppState,
    org: &OrgId,
    new: &Creation,
) -> Result<TickTiming, Problem> {
    let cron = match (&new.cron, new.schedule_id) {
        (Some(cron), None) => {
            let zone = new.timezone.as_deref().unwrap_or(ZONE_DEFAULT);
            check_cron(checks, cron, zone)
        }
        (None, Some(id)) => {
            if new.timezone.is_some() {
                checks.add("/timezone", ZONE_OF_SCHEDULE);
            }
            check_schedule(checks, state, org, id, new.automation_id).await?;
            None
        }
        _ => {
            checks.add("/cron", EITHER_CRON_OR_SCHEDULE);
            None
        }
    };
    Ok(TickTiming {
        cron,
        schedule: new.schedule_id,
        missed_ticks: new.missed_ticks.unwrap_or_default(),
    })
}

/// Checks a change of when a scheduled trigger fires.
pub(super) async fn clock_of_change(
    checks: &mut Checks,
    state: &AppState,
    org: &OrgId,
    before: &Trigger,
    change: &Change,
) -> Result<ChangedTiming, Problem> {
    if let Some(id) = change.schedule_id {
        check_schedule(checks, state, org, id, Some(before.automation_id)).await?;
        if change.cron.is_some() || change.timezone.is_some() {
            checks.add("/cron", EITHER_CRON_OR_SCHEDULE);
        }
        return Ok(ChangedTiming::default());
    }
    if change.cron.is_none() && change.timezone.is_none() {
        return Ok(ChangedTiming::default());
    }
    let follows = before.schedule_id.is_some();
    if change.cron.is_none() && follows {
        checks.add("/timezone", ZONE_OF_SCHEDULE);
        return Ok(ChangedTiming::default());
    }
    let cron = change.cron.as_ref().or(before.cron.as_ref());
    let checked = check_cron(
        checks,
        cron.map_or("", String::as_str),
        zone(before, change),
    );
    let Some((cron, timezone)) = checked else {
        return Ok(ChangedTiming::default());
    };
    Ok(ChangedTiming {
        interval_seconds: None,
        cron: change.cron.is_some().then_some(cron),
        // A trigger that leaves its schedule keeps the schedule's time zone.
        timezone: (change.timezone.is_some() || follows).then_some(timezone),
    })
}

async fn check_schedule(
    checks: &mut Checks,
    state: &AppState,
    org: &OrgId,
    id: ScheduleId,
    automation: Option<AutomationId>,
) -> Result<(), Problem> {
    let schedule = state.store().schedule(org, id).await?;
    if schedule.is_none_or(|schedule| Some(schedule.automation_id) != automation) {
        checks.add(
            "/schedule_id",
            "no such schedule of the trigger's automation",
        );
    }
    Ok(())
}

/// Checks when a new polling trigger polls. `interval_default` is in seconds.
pub(super) fn poll_of_new(
    checks: &mut Checks,
    state: &AppState,
    interval_default: u32,
    new: &Creation,
) -> Option<TriggerPoll> {
    let Some(cron) = &new.cron else {
        if new.timezone.is_some() {
            checks.add("/timezone", ZONE_WITHOUT_CRON);
        }
        let given = new.poll_interval_seconds;
        let seconds = given.unwrap_or(PollSeconds::from(interval_default));
        return Some(TriggerPoll::Every(check_interval(checks, state, seconds)));
    };
    if new.poll_interval_seconds.is_some() {
        checks.add("/cron", EITHER_CRON_OR_INTERVAL);
    }
    let zone = new.timezone.as_deref().unwrap_or(ZONE_DEFAULT);
    let (cron, zone) = check_poll_cron(checks, state, cron, zone)?;
    Some(TriggerPoll::At(cron, zone))
}

/// Checks a change of when a polling trigger polls.
pub(super) fn poll_of_change(
    checks: &mut Checks,
    state: &AppState,
    before: &Trigger,
    change: &Change,
) -> ChangedTiming {
    let changes_cron = change.cron.is_some() || change.timezone.is_some();
    if let Some(seconds) = change.poll_interval_seconds {
        let seconds = check_interval(checks, state, seconds);
        if changes_cron {
            checks.add("/cron", EITHER_CRON_OR_INTERVAL);
        }
        return ChangedTiming {
            interval_seconds: Some(seconds),
            ..ChangedTiming::default()
        };
    }
    if !changes_cron {
        return ChangedTiming::default();
    }
    let Some(cron) = change.cron.as_ref().or(before.cron.as_ref()) else {
        checks.add("/timezone", ZONE_WITHOUT_CRON);
        return ChangedTiming::default();
    };
    check_poll_cron(checks, state, cron, zone(before, change))
        .map(ChangedTiming::of_cron)
        .unwrap_or_default()
}

/// The time zone after a change.
fn zone<'a>(before: &'a Trigger, change: &'a Change) -> &'a str {
    let zone = change.timezone.as_ref().or(before.timezone.as_ref());
    zone.map_or(ZONE_DEFAULT, String::as_str)
}

/// Checks an interval. The operator may ask for a longer least one than the schema.
fn check_interval(checks: &mut Checks, state: &AppState, seconds: PollSeconds) -> u32 {
    let min = state.config().polling.interval_seconds_min.u64();
    let seconds = seconds.check_in(checks, "/poll_interval_seconds", min..=PollSeconds::MAX);
    // An interval that does not fit is longer than allowed.
    u32::try_from(seconds).unwrap_or(u32::MAX)
}

/// Checks a cron that must not poll more often than the shortest interval.
fn check_poll_cron(
    checks: &mut Checks,
    state: &AppState,
    cron: &str,
    zone: &str,
) -> Option<(String, String)> {
    let checked = check_cron(checks, cron, zone)?;
    let min = i64::from(state.config().polling.interval_seconds_min.u32());
    if shortest_seconds(&checked.0, &checked.1).is_some_and(|seconds| seconds < min) {
        checks.add("/cron", format!("polls more often than every {min} s"));
    }
    Some(checked)
}

/// The shortest time between two of the next ticks, in seconds.
fn shortest_seconds(cron: &str, zone: &str) -> Option<i64> {
    let cron = Cron::parse_stored(cron, zone).ok()?;
    let mut last = cron.next_after(clock::now())?;
    let mut shortest: Option<i64> = None;
    for _ in 0..TICKS_EXAMINED {
        let Some(next) = cron.next_after(last) else {
            break;
        };
        let seconds = next.micros_since(last) / 1_000_000;
        shortest = Some(shortest.map_or(seconds, |shortest| shortest.min(seconds)));
        last = next;
    }
    shortest
}
