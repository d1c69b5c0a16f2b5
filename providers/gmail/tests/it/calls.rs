//! The requests of polls and their number.

use super::*;

fn targets(host: &Host, resource: &str) -> Vec<String> {
    let start = format!("GET /gmail/v1/users/me/{resource}?");
    let log = host.gmail().log.clone();
    log.iter()
        .filter_map(|line| line.strip_prefix(&start).map(str::to_owned))
        .collect()
}

#[test]
fn an_idle_poll_costs_two_requests_and_three_units() {
    let mut host = connected();
    let before = host.gmail().calls;
    host.poll().unwrap();
    let after = host.gmail().calls;
    assert_eq!(after.units() - before.units(), 3);
    assert_eq!(host.gmail().log.len(), 3);
}

#[test]
fn one_call_is_bounded_and_reports_that_more_is_waiting() {
    let mut host = connected();
    for n in 0..60 {
        host.gmail().receive(draft(&format!("{n}")));
    }
    for (expected, more) in [(25, true), (25, true), (10, false)] {
        let page = host.poll_page().unwrap();
        assert_eq!((page.events.len(), page.more), (expected, more));
    }
    assert_eq!(host.gmail().calls.history, 1);
}

#[test]
fn deletions_count_toward_the_bound() {
    let mut host = connected();
    for n in 0..60 {
        let id = host.gmail().receive(draft(&format!("{n}")));
        host.gmail().delete(&id);
    }
    let page = host.poll_page().unwrap();
    assert_eq!((page.events.len(), page.more), (0, true));
    assert_eq!(host.gmail().calls.get, 25);
    assert_eq!(host.poll(), Ok(vec![]));
}

#[test]
fn metadata_is_fetched_and_only_named_headers() {
    let mut host = connected();
    host.gmail().receive(draft("Hello"));
    host.poll().unwrap();
    let target = host.gmail().log.last().unwrap().clone();
    assert!(
        target.contains("?format=metadata&fields=id%2CthreadId"),
        "{target}"
    );
    assert!(
        target.contains("&metadataHeaders=From&metadataHeaders=To&"),
        "{target}"
    );
}

#[test]
fn a_body_is_never_fetched_not_even_for_attachments() {
    for config in [json!({}), json!({"has_attachment": true})] {
        let mut host = connected();
        host.configs = vec![config.to_string()];
        host.gmail().receive(draft("Hello"));
        let event = host.poll().unwrap().remove(0);
        assert!(!event.facts.contains("U0VDUkVU"));
        let target = host.gmail().log.last().unwrap().clone();
        let answer = host
            .gmail()
            .answer("GET", target.trim_start_matches("GET "), &[]);
        let body = String::from_utf8(answer.body).unwrap();
        assert!(!body.contains("U0VDUkVU"), "{body}");
        assert_eq!(body.contains("text/plain"), config != json!({}), "{body}");
    }
}

#[test]
fn a_label_that_all_triggers_require_is_in_the_request() {
    let mut host = connected();
    host.configs = vec![
        json!({"labels": ["inbox"]}).to_string(),
        json!({"labels": ["INBOX"], "from": ["example.com"]}).to_string(),
    ];
    host.gmail()
        .receive(draft("newsletter").labelled(&["Label_1"]));
    host.gmail().receive(draft("Hello"));
    assert_eq!(titles(&host.poll().unwrap()), ["Hello"]);
    assert_eq!(host.gmail().calls.get, 1);
    assert!(targets(&host, "history")[0].contains("&labelId=INBOX"));
    host.configs.push("{}".into());
    host.poll().unwrap();
    assert!(!targets(&host, "history")[1].contains("labelId"));
}

#[test]
fn drafts_are_not_fetched_unless_a_trigger_asks_for_them() {
    let written = || draft("unfinished").labelled(&["DRAFT"]);
    let mut host = connected();
    host.gmail().receive(written());
    assert_eq!(host.poll(), Ok(vec![]));
    assert_eq!(host.gmail().calls.get, 0);
    host.configs.push(json!({"labels": ["DRAFT"]}).to_string());
    host.gmail().receive(written());
    assert_eq!(
        host.poll().unwrap().len(),
        2,
        "the first is within the overlap"
    );
}

#[test]
fn names_of_labels_are_fetched_only_if_a_trigger_uses_them() {
    let mut host = connected();
    host.gmail().labels = vec![("Label_1".into(), "Clients/Acme".into())];
    host.gmail().receive(draft("a").labelled(&["Label_1"]));
    let event = host.poll().unwrap().remove(0);
    assert!(facts(&event).label_names.is_empty());
    assert_eq!(host.gmail().calls.labels, 0);
    let config = json!({"labels": ["clients/acme"]});
    host.configs = vec![config.to_string()];
    for _ in 0..3 {
        host.gmail().receive(draft("b").labelled(&["Label_1"]));
    }
    host.gmail().receive(draft("c"));
    let events = host.poll().unwrap();
    assert_eq!(host.gmail().calls.labels, 1);
    testing::assert_accepts::<Gmail>(&events[0], &config);
    testing::assert_rejects::<Gmail>(&events[3], &config, "labels");
}

#[test]
fn without_a_trigger_nothing_is_fetched_and_nothing_accumulates() {
    let mut host = connected();
    host.configs.clear();
    host.gmail().receive(draft("nobody asked"));
    assert_eq!(host.poll(), Ok(vec![]));
    assert_eq!(host.gmail().calls.get, 0);
}

#[test]
fn the_operators_base_url_is_used() {
    let host = Host::new();
    let mut request = host.request();
    request.settings = json!({"base_url": "https://proxy.example.com/"}).to_string();
    let error = triggerhouse_provider_gmail::poll(&host.service, &request).unwrap_err();
    let url = "https://proxy.example.com/gmail/v1/users/me/profile";
    assert_eq!(error, PollError::Other(format!("not granted: {url}")));
    request.settings = json!({"base-url": "x"}).to_string();
    let error = triggerhouse_provider_gmail::poll(&host.service, &request).unwrap_err();
    assert!(matches!(error, PollError::Other(text) if text.starts_with("settings: unknown field")));
}
