//! Failures: each tells the host what to do, and none loses a message.

use super::*;

/// A mailbox with ten new messages, whose `nth` request meets a fault.
fn failing(nth: usize, fault: Fault) -> Host {
    let host = connected();
    for n in 0..10 {
        host.gmail().receive(draft(&format!("{n}")));
    }
    let mut faults = vec![None; nth];
    faults.push(Some(fault));
    host.gmail().faults = faults.into();
    host
}

/// The error of a poll whose first request fails.
fn error(fault: Fault) -> PollError {
    let mut host = failing(0, fault);
    let cursor = host.cursor.clone();
    let error = host.poll_page().unwrap_err();
    assert_eq!(host.cursor, cursor);
    assert_eq!(host.poll().unwrap().len(), 10);
    error
}

#[test]
fn each_failure_tells_the_host_what_to_do() {
    use PollError::{Other, RateLimited, Unauthorized, Unavailable};
    let unauthorized = "Gmail answered 401 (authError): Invalid Credentials";
    assert_eq!(
        error(Fault::Unauthorized),
        Unauthorized(unauthorized.into())
    );
    let forbidden = "Gmail answered 403 (insufficientPermissions): Forbidden";
    let fault = Fault::Forbidden("insufficientPermissions");
    assert_eq!(error(fault), Unauthorized(forbidden.into()));
    for reason in [
        "rateLimitExceeded",
        "userRateLimitExceeded",
        "quotaExceeded",
    ] {
        assert_eq!(error(Fault::Forbidden(reason)), RateLimited(None));
    }
    assert_eq!(error(Fault::TooManyRequests(None)), RateLimited(None));
    let seconds = Fault::TooManyRequests(Some("30".into()));
    assert_eq!(error(seconds), RateLimited(Some(30)));
    // The clock starts at 2023-11-14T22:13:20Z.
    let date = Fault::TooManyRequests(Some("Tue, 14 Nov 2023 22:14:20 GMT".into()));
    assert_eq!(error(date), RateLimited(Some(60)));
    for fault in [
        Fault::Server(500),
        Fault::Server(503),
        Fault::Slow,
        Fault::Body(b"{".to_vec()),
    ] {
        assert!(matches!(error(fault), Unavailable(_)));
    }
    let precondition = "Gmail answered 400 (failedPrecondition): Precondition check failed.";
    assert_eq!(
        error(Fault::BadRequest("failedPrecondition")),
        Other(precondition.into())
    );
}

#[test]
fn a_failure_among_the_messages_keeps_those_before_it() {
    for (fault, expected) in [
        (Fault::Unauthorized, "Unauthorized"),
        (Fault::Server(500), "Unavailable"),
        (Fault::Slow, "Unavailable"),
        (Fault::Forbidden("domainPolicy"), "Unauthorized"),
    ] {
        // The profile and the history come before the messages.
        let mut host = failing(2 + 4, fault.clone());
        let page = host.poll_page().unwrap();
        assert_eq!(
            (titles(&page.events), page.more),
            (vec!["0", "1", "2", "3"], true)
        );
        host.gmail().faults = vec![Some(fault)].into();
        let error = host.poll_page().unwrap_err();
        assert!(format!("{error:?}").contains(expected), "{error:?}");
        assert_eq!(
            titles(&host.poll().unwrap()),
            ["4", "5", "6", "7", "8", "9"]
        );
        assert_eq!(host.gmail().calls.history, 1, "the page is not read again");
    }
}

#[test]
fn a_pause_of_the_service_is_kept_without_another_request() {
    let mut host = failing(2 + 4, Fault::TooManyRequests(Some("90".into())));
    let page = host.poll_page().unwrap();
    assert_eq!((page.events.len(), page.more), (4, true));
    let requests = host.gmail().log.len();
    assert_eq!(host.poll_page(), Err(PollError::RateLimited(Some(90))));
    host.wait(60);
    assert_eq!(host.poll_page(), Err(PollError::RateLimited(Some(30))));
    assert_eq!(host.gmail().log.len(), requests);
    host.wait(30);
    assert_eq!(host.poll().unwrap().len(), 6);
    assert!(host.stored().get("pause_until_us").is_none());
}

#[test]
fn a_pause_of_unknown_length_lasts_until_the_next_interval() {
    let mut host = failing(2 + 4, Fault::Forbidden("userRateLimitExceeded"));
    let page = host.poll_page().unwrap();
    assert_eq!((page.events.len(), page.more), (4, false));
    assert_eq!(host.poll().unwrap().len(), 6);
}

#[test]
fn a_failure_after_a_page_of_ids_does_not_read_the_page_again() {
    let mut host = failing(2, Fault::Server(503));
    let page = host.poll_page().unwrap();
    assert_eq!((page.events.len(), page.more), (0, true));
    host.gmail().faults = vec![None, Some(Fault::Server(503))].into();
    assert!(matches!(host.poll_page(), Err(PollError::Unavailable(_))));
    assert_eq!(host.poll().unwrap().len(), 10);
    assert_eq!(host.gmail().calls.history, 1);
}

#[test]
fn the_hosts_limit_of_requests_ends_only_the_page() {
    let mut host = failing(99, Fault::Slow);
    let mut events = Vec::new();
    for _ in 0..6 {
        host.service.allowed.set(4);
        let page = host.poll_page().unwrap();
        events.extend(page.events);
        if !page.more {
            break;
        }
    }
    assert_eq!(
        titles(&events),
        ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]
    );
    host.service.allowed.set(1);
    assert_eq!(
        host.poll_page(),
        Err(PollError::Other(
            "the host allows too few requests for one poll".into()
        ))
    );
}

#[test]
fn a_page_token_that_has_expired_starts_the_scan_again() {
    let mut host = connected();
    host.limit = 1;
    for n in 0..450 {
        host.gmail().receive(draft(&format!("{n:03}")));
    }
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..199 {
        let page = host.poll_page().unwrap();
        seen.extend(page.events.into_iter().map(|event| event.title));
    }
    // The profile, the last message of the first page, then the second page.
    host.gmail().faults = vec![None, None, Some(Fault::BadRequest("invalidArgument"))].into();
    let events = host.poll().unwrap();
    assert_eq!(host.gmail().calls.failed, 1);
    seen.extend(events.into_iter().map(|event| event.title));
    assert_eq!(seen.len(), 450);
    assert_eq!(
        host.gmail().calls.get,
        450,
        "fetched messages are remembered"
    );
}

#[test]
fn tokens_that_are_always_refused_become_an_error() {
    let mut host = connected();
    for n in 0..250 {
        host.gmail().receive(draft(&format!("{n:03}")));
    }
    let mut events = 0;
    let error = loop {
        let faults = match host.stored()["scan"]["next"].get("token") {
            // The service refuses the token, and again after the first page.
            Some(_) => vec![None; events.min(200) % 25],
            None => Vec::new(),
        };
        host.gmail().faults = faults.into();
        if events >= 200 {
            let refused = || Some(Fault::BadRequest("invalidArgument"));
            host.gmail().faults = vec![None, refused(), None, refused()].into();
        }
        match host.poll_page() {
            Ok(page) => events += page.events.len(),
            Err(error) => break error,
        }
        assert!(events <= 250);
    };
    assert!(matches!(error, PollError::Other(text) if text.contains("invalidArgument")));
    assert_eq!(events, 200);
    host.gmail().faults.clear();
    assert_eq!(host.poll().unwrap().len(), 50);
}

#[test]
fn an_answer_of_another_shape_is_an_error_with_its_place() {
    for (nth, body, expected) in [
        (0, json!({"emailAddress": "a"}), "/historyId"),
        (0, json!({"historyId": "1"}), "/emailAddress"),
        (
            0,
            json!({"historyId": "1.5", "emailAddress": "a"}),
            "/historyId",
        ),
        (
            0,
            json!({"historyId": 1.5, "emailAddress": "a"}),
            "/historyId",
        ),
        (1, json!({"history": [], "historyId": "-1"}), "/historyId"),
        (1, json!({"history": {}, "historyId": "1"}), "/history"),
        (
            1,
            json!({"history": [{"id": "1", "messagesAdded": [{"message": {"id": "../x"}}]}], "historyId": "1"}),
            "/message/id",
        ),
        (
            1,
            json!({"historyId": "1", "nextPageToken": 7}),
            "/nextPageToken",
        ),
    ] {
        let mut host = failing(nth, Fault::Body(body.to_string().into_bytes()));
        match host.poll_page() {
            Err(PollError::Other(text)) => assert!(text.contains(expected), "{text}"),
            other => panic!("{body}: {other:?}"),
        }
        assert_eq!(host.poll().unwrap().len(), 10);
    }
}
