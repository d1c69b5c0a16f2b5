//! Ticks that are on time, ticks that are late, and times that are no ticks.

use super::*;

fn time(text: &str) -> Timestamp {
    let time: jiff::Timestamp = text.parse().unwrap();
    Timestamp(time.as_microsecond())
}

const LIMITS: FiringLimits = FiringLimits {
    late: Duration::from_secs(60),
    missed_ticks_max: 3,
    events_max: 100,
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

/// The events as text: `run` or the skip reason, with the tick.
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
fn a_tick_on_time_starts_a_run_with_every_policy_for_missed_ones() {
    for &missed in MissedTicks::ALL {
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
fn missed_ticks_follow_the_policy_of_the_trigger() {
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
fn a_missed_week_of_seconds_is_one_skip() {
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
fn ticks_on_time_count_against_no_limit() {
    let limits = FiringLimits {
        late: Duration::from_secs(600),
        missed_ticks_max: 1,
        events_max: 100,
    };
    let due = due("* * * * *", "2026-01-01T00:00:00Z", MissedTicks::Last);
    let firing = due.fire(time("2026-01-01T00:30:00Z"), limits);
    assert_eq!(firing.events.len(), 1 + 1 + 11, "{:?}", shown(&firing));
    assert_eq!(shown(&firing)[1], "00:19:00 run");
}

#[test]
fn a_due_time_that_the_cron_does_not_have_is_no_tick() {
    let due = due("0 9 * * *", "2026-01-01T10:17:03Z", MissedTicks::All);
    let firing = due.fire(time("2026-01-01T10:18:00Z"), LIMITS);
    assert!(firing.events.is_empty());
    assert_eq!(firing.next, Some(time("2026-01-02T09:00:00Z")));
}

#[test]
fn ticks_that_are_far_apart_are_found_too() {
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

#[test]
fn a_firing_that_is_cut_goes_on_with_the_first_tick_left_out() {
    let now = time("2026-01-01T04:00:10Z");
    for missed in [MissedTicks::Skip, MissedTicks::Last, MissedTicks::All] {
        let whole = due("*/10 * * * *", "2026-01-01T00:00:00Z", missed).fire(now, LIMITS);
        for events_max in 1..=5 {
            let limits = FiringLimits {
                events_max,
                ..LIMITS
            };
            let mut due = due("*/10 * * * *", "2026-01-01T00:00:00Z", missed);
            let mut parts = Vec::new();
            let last = loop {
                let part = due.fire(now, limits).first(events_max);
                assert!((1..=events_max).contains(&part.events.len()));
                parts.extend(shown(&part));
                match part.next.filter(|next| *next <= now) {
                    Some(next) => due.due_at = next,
                    None => break part.next,
                }
            };
            assert_eq!(
                (parts, last),
                (shown(&whole), whole.next),
                "{missed:?} {events_max}"
            );
        }
    }
}
