//! The quota per minute: polls keep it, use it, and lose no message.

use super::*;

/// Google's quota, which the fake enforces.
const UNITS_PER_MINUTE: u64 = 6_000;

/// A mailbox that has been polled once, with `count` new messages. Its service is slow and
/// enforces its quota. The provider has its default settings.
fn with_backlog(count: usize) -> Host {
    let mut host = connected();
    host.settings = json!({});
    host.service.latency_ms.set(100);
    host.gmail().units_per_minute = Some(UNITS_PER_MINUTE);
    for n in 0..count {
        host.gmail().receive(draft(&format!("{n:04}")));
    }
    host
}

/// Units that the cursor remembers.
fn spent(host: &Host) -> u64 {
    let spent = host.stored()["spent"]["units"].clone();
    let entries = spent.as_object().unwrap().values();
    entries.map(|units| units.as_u64().unwrap()).sum()
}

fn now_s(host: &Host) -> u64 {
    host.gmail().now_ms / 1_000
}

/// Polls as the host does: `interval_s` after the last poll began, or after the pause that it
/// asked for. Returns the subjects of each poll.
fn minutes(host: &mut Host, count: usize, interval_s: u64) -> Vec<Vec<String>> {
    let mut polls: Vec<Vec<String>> = Vec::new();
    while polls.iter().map(Vec::len).sum::<usize>() < count {
        let began_ms = host.gmail().now_ms;
        let requests = host.gmail().log.len();
        match host.poll() {
            Ok(events) => {
                polls.push(events.into_iter().map(|event| event.title).collect());
                let mut gmail = host.gmail();
                gmail.now_ms = gmail.now_ms.max(began_ms + interval_s * 1_000);
            }
            Err(PollError::RateLimited(Some(seconds))) => {
                assert!((1..=60).contains(&seconds), "{seconds}");
                assert_eq!(host.gmail().log.len(), requests, "no request is sent");
                host.wait(seconds.into());
            }
            Err(error) => panic!("{error:?}"),
        }
        assert!(host.cursor.as_ref().unwrap().len() < 64 * 1024);
    }
    polls
}

#[test]
fn a_backlog_of_a_thousand_messages_takes_as_long_as_the_quota_requires() {
    // For any duration of a request. 1,000 messages cost 20,000 units.
    for (latency_ms, seconds_max) in [(0, 180), (20, 200), (100, 240), (150, 260)] {
        let mut host = with_backlog(1_000);
        host.service.latency_ms.set(latency_ms);
        let began_s = now_s(&host);
        let polls = minutes(&mut host, 1_000, 60);
        let expected: Vec<String> = (0..1_000).map(|n| format!("{n:04}")).collect();
        assert_eq!(polls.concat(), expected, "each once, in order");
        let counts: Vec<usize> = polls.iter().map(Vec::len).collect();
        println!(
            "{latency_ms} ms: {counts:?} in {} s",
            now_s(&host) - began_s
        );
        // 5,400 units pay for 269 messages and for finding them.
        assert_eq!(counts.len(), 4, "{counts:?}");
        let last_s = now_s(&host) - 60 - began_s;
        assert!(
            last_s <= seconds_max,
            "the last poll began after {last_s} s"
        );
        let calls = host.gmail().calls;
        assert_eq!((calls.get, calls.refused), (1_000, 0), "{calls:?}");
    }
}

#[test]
fn no_minute_has_more_than_the_quota_wherever_it_begins() {
    // The minutes of earlier idle polls end during the backlog, and the service changes its
    // speed.
    for interval_s in [1, 10, 13, 60] {
        let mut host = with_backlog(0);
        minutes(&mut host, 0, interval_s);
        for (at, latency_ms) in [150, 5, 80, 0, 30].into_iter().enumerate() {
            host.wait(7);
            host.poll().unwrap();
            host.wait(29 + 20 * at as u64);
            for n in 0..300 {
                host.gmail().receive(draft(&format!("{n}")));
            }
            host.service.latency_ms.set(latency_ms);
            minutes(&mut host, 300, interval_s);
            host.wait(30);
        }
        let calls = host.gmail().calls;
        assert_eq!((calls.get, calls.refused), (1_500, 0), "{calls:?}");
    }
}

#[test]
fn without_units_no_request_is_sent_until_the_minute_is_over() {
    let mut host = with_backlog(400);
    host.service.latency_ms.set(0);
    let events = host.poll().unwrap();
    let rest = 400 - events.len();
    let requests = host.gmail().log.len();
    for left in [60, 59, 1] {
        host.gmail().now_ms = NOW_MS + (60 - left) * 1_000;
        let seconds = u32::try_from(left).unwrap();
        assert_eq!(host.poll_page(), Err(PollError::RateLimited(Some(seconds))));
    }
    assert_eq!(host.gmail().log.len(), requests);
    host.gmail().now_ms = NOW_MS + 60_000;
    assert_eq!(host.poll().unwrap().len(), rest);
}

#[test]
fn failed_requests_count_too() {
    let mut host = with_backlog(10);
    // The profile, the history, then the messages, and two that are deleted.
    host.gmail().faults = [vec![None; 6], vec![Some(Fault::Server(500))]]
        .concat()
        .into();
    let page = host.poll_page().unwrap();
    assert_eq!((page.events.len(), page.more), (4, true));
    assert_eq!(
        spent(&host),
        1 + 1 + 2 + 5 * 20,
        "with the first poll's profile"
    );
    for n in 0..2 {
        let id = host.gmail().receive(draft(&format!("gone {n}")));
        host.gmail().delete(&id);
    }
    assert_eq!(host.poll().unwrap().len(), 6);
    assert_eq!(spent(&host), 104 + 1 + 6 * 20);
    host.gmail().expire_history();
    // The refused history, then the list.
    host.poll().unwrap();
    assert_eq!(spent(&host), 225 + 1 + 2 + 5);
}

#[test]
fn any_quota_of_the_operator_is_kept() {
    for (units, count) in [(600, 29), (1_200, 59), (100_000, 400)] {
        let mut host = with_backlog(400);
        host.settings = json!({"quota_units_per_minute": units});
        host.gmail().units_per_minute = Some(units);
        assert_eq!(host.poll().unwrap().len(), count, "{units}");
        assert_eq!(host.gmail().calls.refused, 0);
    }
}

#[test]
fn the_page_that_uses_up_the_quota_reports_no_more_messages() {
    let mut host = with_backlog(400);
    host.settings = json!({"quota_units_per_minute": 1_054});
    for (count, more) in [(25, true), (25, true), (2, false)] {
        let page = host.poll_page().unwrap();
        assert_eq!((page.events.len(), page.more), (count, more));
    }
    let requests = host.gmail().log.len();
    assert!(matches!(host.poll_page(), Err(PollError::RateLimited(_))));
    assert_eq!(host.gmail().log.len(), requests);
    // The same for a page that met another limit and leaves fewer units than a call needs: 22.
    for (units, more) in [(1 + 2 + 20 + 1 + 22, true), (1 + 2 + 20 + 1 + 21, false)] {
        let mut host = with_backlog(400);
        host.settings = json!({"quota_units_per_minute": units});
        host.limit = 1;
        let page = host.poll_page().unwrap();
        assert_eq!((page.events.len(), page.more), (1, more), "{units}");
    }
}

#[test]
fn a_message_is_not_fetched_without_units_for_its_labels() {
    let config = json!({"labels": ["Clients/Acme"]});
    // The profile of the first poll, then profile, history, message and labels.
    for (units, messages) in [(1 + 1 + 2 + 20, 0), (1 + 1 + 2 + 20 + 1, 1)] {
        let mut host = with_backlog(0);
        host.gmail().labels = vec![("Label_1".into(), "Clients/Acme".into())];
        host.configs = vec![config.to_string()];
        host.settings = json!({"quota_units_per_minute": units});
        host.gmail().receive(draft("a").labelled(&["Label_1"]));
        let mut events = host.poll().unwrap();
        assert_eq!(host.gmail().calls.get, messages);
        host.wait(61);
        events.extend(host.poll().unwrap());
        testing::assert_accepts::<Gmail>(&events[0], &config);
        assert_eq!((events.len(), host.gmail().calls.get), (1, 1));
    }
}

#[test]
fn a_clock_that_goes_backward_stops_polls_for_a_minute_at_most() {
    for behind_s in [1, 59, 3_600, 900_000] {
        let mut host = with_backlog(400);
        host.service.latency_ms.set(0);
        host.wait(1_000_000);
        let before = host.poll().unwrap().len();
        let requests = host.gmail().log.len();
        host.behind_s = behind_s;
        // No error, because its cursor would not be stored.
        let page = host.poll_page().unwrap();
        assert_eq!((page.events, page.more), (vec![], false));
        assert_eq!(host.poll_page(), Err(PollError::RateLimited(Some(60))));
        assert_eq!(host.gmail().log.len(), requests);
        host.wait(60);
        assert_eq!(before + host.poll().unwrap().len(), 400, "{behind_s}");
        assert_eq!(host.gmail().calls.refused, 0);
    }
}

#[test]
fn an_older_cursor_has_spent_nothing() {
    let mut host = with_backlog(400);
    let mut cursor = host.stored();
    cursor.as_object_mut().unwrap().remove("spent");
    host.cursor = Some(cursor.to_string());
    assert!(host.poll().unwrap().len() >= 265);
}

#[test]
fn a_shared_quota_loses_no_message() {
    let mut host = with_backlog(400);
    // Another integration of the same mailbox leaves a third of the quota.
    host.gmail().units_per_minute = Some(2_000);
    let mut subjects = Vec::new();
    for _ in 0..20 {
        match host.poll() {
            Ok(events) => subjects.extend(events.into_iter().map(|event| event.title)),
            Err(PollError::RateLimited(_)) => {}
            Err(error) => panic!("{error:?}"),
        }
        host.wait(60);
    }
    let expected: Vec<String> = (0..400).map(|n| format!("{n:04}")).collect();
    assert_eq!(subjects, expected);
    assert!(host.gmail().calls.refused > 0);
}

#[test]
fn a_resync_stays_within_the_quota_too() {
    let mut host = with_backlog(0);
    host.wait(60);
    for n in 0..700 {
        host.gmail().receive(draft(&format!("{n}")));
    }
    host.gmail().expire_history();
    let mut keys = std::collections::BTreeSet::new();
    for minute in 0..3 {
        for event in host.poll().unwrap() {
            assert!(keys.insert(event.dedup_key), "fetched twice");
        }
        assert_eq!(keys.len() == 700, minute == 2);
        host.wait(61);
    }
    let calls = host.gmail().calls;
    assert_eq!((calls.get, calls.list, calls.refused), (700, 4, 0));
}
