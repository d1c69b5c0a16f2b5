//! Resyncs, after the history has expired.

use super::*;
use triggerhouse_provider_gmail::api::PAGE_SIZE;

#[test]
fn nothing_is_lost_when_the_history_has_expired() {
    let mut host = connected();
    host.gmail().receive(draft("known"));
    host.poll().unwrap();
    host.wait(86_400);
    host.gmail().receive(draft("a"));
    host.wait(60);
    host.gmail().receive(draft("b"));
    host.gmail().expire_history();
    let events = host.poll().unwrap();
    assert_eq!(titles(&events), ["a", "b"]);
    assert!(events.iter().all(|event| facts(event).resync));
    host.gmail().receive(draft("c"));
    let events = host.poll().unwrap();
    assert_eq!(titles(&events), ["c"]);
    assert!(!facts(&events[0]).resync);
}

#[test]
fn the_history_continues_from_before_the_list() {
    let mut host = connected();
    host.limit = 1;
    host.wait(60);
    host.gmail().receive(draft("a"));
    host.gmail().receive(draft("b"));
    host.gmail().expire_history();
    let fresh = host.gmail().history_id().to_string();
    assert_eq!(titles(&host.poll_page().unwrap().events), ["a"]);
    // The list is already read, so only the history has this message.
    host.gmail().receive(draft("between"));
    let rest = host.poll().unwrap();
    assert_eq!(titles(&rest), ["b"]);
    assert_eq!(host.stored()["history"], fresh);
    assert_eq!(titles(&host.poll().unwrap()), ["between"]);
}

#[test]
fn a_resync_of_many_pages_is_read_once_and_continues_after_a_crash() {
    let mut host = connected();
    host.limit = 10;
    host.wait(60);
    let count = 2 * PAGE_SIZE + 50;
    for n in 0..count {
        host.gmail().receive(draft(&format!("{n}")));
        host.wait(1);
    }
    host.gmail().expire_history();
    let mut keys = std::collections::BTreeSet::new();
    loop {
        let lost = host.try_poll().unwrap();
        let page = host.poll_page().unwrap();
        assert_eq!(lost.events, page.events);
        let before = keys.len();
        keys.extend(page.events.iter().map(|event| event.dedup_key.clone()));
        assert_eq!(keys.len(), before + page.events.len());
        let times: Vec<_> = page.events.iter().map(|event| event.occurred_at).collect();
        assert!(times.is_sorted(), "oldest first within a page");
        if !page.more {
            break;
        }
    }
    assert_eq!(keys.len(), count as usize);
    let calls = host.gmail().calls;
    assert_eq!(
        calls.list,
        2 * 3,
        "three pages, and each of their calls was lost once"
    );
    assert_eq!(calls.get, 2 * u64::from(count));
}

#[test]
fn a_resync_returns_no_message_from_before_the_first_poll() {
    let mut host = Host::new();
    host.gmail().receive(draft("before"));
    host.wait(1);
    host.poll().unwrap();
    host.gmail().receive(draft("after"));
    host.gmail().expire_history();
    assert_eq!(titles(&host.poll().unwrap()), ["after"]);
}

#[test]
fn a_message_dated_in_the_future_does_not_move_the_resync_there() {
    let mut host = connected();
    let imported = Draft {
        date_ms: Some(NOW_MS + 86_400_000 * 365),
        ..draft("imported")
    };
    host.gmail().receive(imported);
    assert_eq!(host.poll().unwrap().len(), 1);
    host.wait(7_200);
    host.gmail().receive(draft("a"));
    host.gmail().expire_history();
    let events = host.poll().unwrap();
    assert!(titles(&events).contains(&"a"), "{:?}", titles(&events));
}

#[test]
fn a_message_that_became_visible_late_is_within_the_overlap() {
    let mut host = connected();
    host.wait(7_200);
    host.gmail().receive(draft("newest"));
    host.poll().unwrap();
    let delayed = Draft {
        date_ms: Some(NOW_MS + 5_400_000),
        ..draft("delayed")
    };
    host.gmail().receive(delayed);
    host.gmail().expire_history();
    let events = host.poll().unwrap();
    assert_eq!(
        titles(&events),
        ["delayed"],
        "and known messages are not fetched again"
    );
}

#[test]
fn spam_and_trash_are_listed_only_if_a_trigger_asks_for_them() {
    for (config, expected) in [
        (json!({}), &["a"][..]),
        (json!({"labels": ["INBOX", "Trash"]}), &["a", "thrown away"]),
        (json!({"labels": ["spam"]}), &["spam"]),
    ] {
        let mut host = connected();
        host.configs = vec![config.to_string()];
        host.wait(60);
        host.gmail().receive(draft("a"));
        host.gmail()
            .receive(draft("thrown away").labelled(&["TRASH"]));
        host.gmail().receive(draft("spam").labelled(&["SPAM"]));
        host.gmail().expire_history();
        let events = host.poll().unwrap();
        let wanted: Vec<Event> = events
            .into_iter()
            .filter(|event| testing::verdict::<Gmail>(event, &config) == Verdict::Accept)
            .collect();
        assert_eq!(titles(&wanted), expected);
    }
}

#[test]
fn a_failure_in_a_resync_loses_nothing() {
    for nth in 0..14 {
        let mut host = connected();
        host.wait(60);
        for n in 0..10 {
            host.gmail().receive(draft(&format!("{n}")));
        }
        host.gmail().expire_history();
        let mut faults = vec![None; nth];
        faults.push(Some(Fault::Server(500)));
        host.gmail().faults = faults.into();
        let mut subjects = Vec::new();
        for _ in 0..3 {
            let page = match host.poll_page() {
                Ok(page) => page,
                Err(PollError::Unavailable(_)) => continue,
                Err(error) => panic!("{error:?}"),
            };
            subjects.extend(page.events.into_iter().map(|event| event.title));
        }
        assert_eq!(
            subjects,
            ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"],
            "{nth}"
        );
    }
}

#[test]
fn a_trigger_added_during_a_resync_gets_the_messages_that_it_skipped() {
    let mut host = connected();
    host.limit = 1;
    host.configs = vec![json!({"labels": ["INBOX"]}).to_string()];
    host.wait(60);
    host.gmail()
        .receive(draft("archived").labelled(&["Label_1"]));
    host.gmail().receive(draft("a"));
    host.gmail().receive(draft("b"));
    host.gmail().receive(draft("spam").labelled(&["SPAM"]));
    host.gmail().expire_history();
    assert_eq!(titles(&host.poll_page().unwrap().events), ["a"]);
    host.configs = vec!["{}".into(), json!({"labels": ["SPAM"]}).to_string()];
    let events = host.poll().unwrap();
    for subject in ["archived", "b", "spam"] {
        assert!(titles(&events).contains(&subject), "{:?}", titles(&events));
    }
}
