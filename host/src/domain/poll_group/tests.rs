use super::*;

const NOON: Timestamp = Timestamp(1_795_608_000_000_000);

fn every(seconds: u64) -> PollTiming {
    PollTiming::Every(Duration::from_secs(seconds))
}

fn after(seconds: u64) -> Timestamp {
    NOON + Duration::from_secs(seconds)
}

fn waiting() -> GroupTimes {
    GroupTimes {
        due_at: Some(after(60)),
        lease_until: None,
        started_at: Some(NOON),
        pause_until: None,
        failures: 0,
    }
}

#[test]
fn the_shortest_interval_wins_and_a_cron_competes() {
    let cron = |text| PollTiming::At(Cron::parse_stored(text, "UTC").unwrap().into());
    assert_eq!(next_poll(&[every(300), every(60)], NOON), Some(after(60)));
    let timings = [every(7_200), cron("*/30 * * * *")];
    assert_eq!(next_poll(&timings, after(1)), Some(after(1_800)));
    assert_eq!(next_poll(&[], NOON), None);
}

#[test]
fn a_change_counts_from_the_last_poll() {
    let times = waiting();
    assert_eq!(times.after_change(&[every(20)], after(5)), Some(after(20)));
    assert_eq!(times.after_change(&[every(90)], after(5)), Some(after(90)));
    assert_eq!(times.after_change(&[], after(5)), None);
    assert_eq!(times.after_change(&[every(90)], after(61)), Some(after(60)));
}

#[test]
fn a_group_that_was_paused_is_due_at_once_but_within_no_pause_of_its_service() {
    let mut times = GroupTimes {
        due_at: None,
        ..waiting()
    };
    assert_eq!(times.after_change(&[every(60)], after(5)), Some(after(5)));
    times.pause_until = Some(after(500));
    assert_eq!(times.after_change(&[every(60)], after(5)), Some(after(500)));
}

#[test]
fn a_poll_that_runs_may_only_be_followed_sooner_and_a_backoff_stands() {
    let mut times = GroupTimes {
        lease_until: Some(after(60)),
        ..waiting()
    };
    assert_eq!(times.after_change(&[every(90)], after(5)), Some(after(60)));
    assert_eq!(times.after_change(&[every(20)], after(5)), Some(after(20)));
    assert_eq!(times.due_while_leased(after(99)), Some(after(99)));
    times.due_at = Some(after(20));
    assert_eq!(times.due_while_leased(after(99)), Some(after(20)));
    times = GroupTimes {
        failures: 1,
        ..waiting()
    };
    assert_eq!(times.after_change(&[every(20)], after(5)), Some(after(60)));
}
