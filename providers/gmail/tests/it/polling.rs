//! The history: each new message becomes one event, in order, across any pages.

use super::*;

#[test]
fn the_first_poll_sets_the_cursor_and_returns_no_events() {
    let mut host = Host::new();
    host.gmail().receive(draft("before"));
    let page = host.poll_page().unwrap();
    assert_eq!((page.events, page.more), (vec![], false));
    let cursor = host.stored();
    assert_eq!(cursor["mailbox"], "me@example.com");
    assert_eq!(cursor["history"], host.gmail().history_id().to_string());
    assert_eq!(host.poll(), Ok(vec![]));
}

#[test]
fn a_new_message_is_one_event() {
    let mut host = connected();
    let id = host.gmail().receive(draft("Hello"));
    let events = host.poll().unwrap();
    assert_eq!(titles(&events), ["Hello"]);
    assert_eq!(events[0].dedup_key, format!("gmail:me@example.com:{id}"));
    assert_eq!(events[0].kind, "message.received");
    assert_eq!(events[0].occurred_at, Some(NOW_MS * 1_000));
    for _ in 0..20 {
        host.wait(60);
        assert_eq!(host.poll(), Ok(vec![]));
    }
    assert_eq!(host.gmail().calls.get, 1);
}

#[test]
fn every_page_of_the_history_is_read() {
    for limit in [1, 7, 500] {
        let mut host = connected();
        host.limit = limit;
        host.gmail().empty_pages = true;
        let subjects: Vec<String> = (0..950).map(|n| format!("message {n}")).collect();
        for subject in &subjects {
            host.gmail().receive(draft(subject));
        }
        let events = host.poll().unwrap();
        assert_eq!(titles(&events), subjects, "in the order of their arrival");
        // Five pages of 200 records, each after an empty one. A page is read once at any
        // limit.
        assert_eq!(host.gmail().calls.history, 10);
        assert_eq!(host.gmail().calls.get, 950);
    }
}

#[test]
fn history_ids_beyond_a_floats_precision_are_exact() {
    let mut host = connected();
    host.gmail().receive(draft("Hello"));
    let expected = host.gmail().history_id();
    assert!(expected > 1 << 53);
    host.poll().unwrap();
    host.wait(600);
    host.poll().unwrap();
    assert_eq!(host.stored()["history"], expected.to_string());
    let log = host.gmail().log.join("\n");
    assert!(log.contains("startHistoryId=9007199254740993&"), "{log}");
}

#[test]
fn a_message_that_the_history_repeats_is_fetched_once() {
    let mut host = connected();
    let id = host.gmail().receive(draft("Hello"));
    host.gmail().repeat(&id);
    assert_eq!(titles(&host.poll().unwrap()), ["Hello"]);
    host.gmail().repeat(&id);
    host.wait(60);
    assert_eq!(host.poll(), Ok(vec![]));
    assert_eq!(host.gmail().calls.get, 1);
}

#[test]
fn several_messages_of_one_record_are_several_events() {
    let mut host = connected();
    host.limit = 2;
    host.gmail()
        .receive_all([draft("a"), draft("b"), draft("c")]);
    let page = host.poll_page().unwrap();
    assert_eq!((titles(&page.events), page.more), (vec!["a", "b"], true));
    let page = host.poll_page().unwrap();
    assert_eq!((titles(&page.events), page.more), (vec!["c"], false));
}

#[test]
fn a_message_deleted_before_the_fetch_is_skipped() {
    let mut host = connected();
    host.gmail().receive(draft("a"));
    let gone = host.gmail().receive(draft("gone"));
    host.gmail().receive(draft("b"));
    host.gmail().delete(&gone);
    assert_eq!(titles(&host.poll().unwrap()), ["a", "b"]);
    assert_eq!(host.gmail().calls.get, 3);
    host.wait(60);
    assert_eq!(host.poll(), Ok(vec![]));
    assert_eq!(host.gmail().calls.get, 3);
}

#[test]
fn a_record_that_appears_late_is_not_lost() {
    let mut host = connected();
    let late = Draft {
        late_ms: 200_000,
        ..draft("late")
    };
    host.gmail().receive(late);
    host.gmail().receive(draft("in time"));
    assert_eq!(titles(&host.poll().unwrap()), ["in time"]);
    for expected in [&[][..], &[], &[], &["late"], &[], &[]] {
        host.wait(60);
        assert_eq!(titles(&host.poll().unwrap()), expected);
    }
    assert_eq!(host.gmail().calls.get, 2);
}

#[test]
fn a_page_that_was_lost_before_it_was_stored_is_repeated() {
    let mut host = connected();
    host.limit = 3;
    for n in 0..10 {
        host.gmail().receive(draft(&format!("{n}")));
    }
    host.poll_page().unwrap();
    let lost = host.try_poll().unwrap();
    assert_eq!(titles(&lost.events), ["3", "4", "5"]);
    assert_eq!(host.try_poll().unwrap(), lost);
    let rest = host.poll().unwrap();
    assert_eq!(titles(&rest), ["3", "4", "5", "6", "7", "8", "9"]);
    assert_eq!(host.gmail().calls.history, 1);
}

#[test]
fn another_account_behind_the_credential_starts_over() {
    let mut host = connected();
    host.limit = 1;
    host.gmail().receive(draft("a"));
    host.gmail().receive(draft("b"));
    assert!(host.poll_page().unwrap().more);
    host.gmail().address = "other@example.com".into();
    let page = host.poll_page().unwrap();
    assert_eq!((page.events, page.more), (vec![], false));
    assert_eq!(host.stored()["mailbox"], "other@example.com");
    assert!(host.stored().get("pending").is_none());
    let id = host.gmail().receive(draft("c"));
    let events = host.poll().unwrap();
    assert_eq!(events[0].dedup_key, format!("gmail:other@example.com:{id}"));
}

#[test]
fn another_spelling_of_the_address_is_the_same_mailbox() {
    let mut host = connected();
    host.gmail().receive(draft("a"));
    host.gmail().address = "ME@Example.com".into();
    assert_eq!(titles(&host.poll().unwrap()), ["a"]);
}

#[test]
fn a_cursor_of_another_version_is_invalid_and_sends_no_request() {
    let mut host = connected();
    let requests = host.gmail().log.len();
    for cursor in [
        r#"{"v": 2, "mailbox": "me@example.com"}"#,
        "\"123\"",
        "123",
        "",
    ] {
        host.cursor = Some(cursor.into());
        assert!(matches!(host.try_poll(), Err(PollError::InvalidCursor(_))));
    }
    assert_eq!(host.gmail().log.len(), requests);
}

#[test]
fn a_trigger_added_during_a_scan_gets_the_messages_that_the_scan_skipped() {
    let mut host = connected();
    host.limit = 1;
    host.configs = vec![json!({"labels": ["INBOX"]}).to_string()];
    host.gmail().receive(draft("a"));
    host.gmail()
        .receive(draft("archived").labelled(&["Label_1"]));
    host.gmail().receive(draft("b"));
    assert_eq!(titles(&host.poll_page().unwrap().events), ["a"]);
    host.configs.push("{}".into());
    let mut events = host.poll().unwrap();
    events.sort_by(|a, b| a.title.cmp(&b.title));
    assert_eq!(titles(&events), ["archived", "b"]);
    assert_eq!(host.gmail().calls.get, 3);
}

#[test]
fn a_scan_ends_although_messages_keep_arriving() {
    let mut host = connected();
    host.wait(3_600);
    let mut titles = std::collections::BTreeSet::new();
    let mut count = 0;
    for _ in 0..40 {
        for _ in 0..20 {
            host.gmail().receive(draft(&format!("{count}")));
            count += 1;
        }
        let page = host.poll_page().unwrap();
        titles.extend(page.events.into_iter().map(|event| event.title));
        host.wait(60);
    }
    titles.extend(host.poll().unwrap().into_iter().map(|event| event.title));
    assert_eq!(titles.len(), count);
    // At 20 messages a minute, the cursor remembers those of five minutes.
    let remembered = host.stored()["recent"].as_array().unwrap().len();
    assert!(remembered <= 120, "{remembered}");
}
