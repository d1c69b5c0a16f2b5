//! What is not as PostHog writes it: an error where a filter decides on it, a missing
//! fact where none does.

use super::*;
use serde_json::json;

fn error(body: &Value) -> String {
    match PostHog::parse(unsigned(body)) {
        Err(ParseError::Malformed(text)) => text,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_error_names_the_pointer_and_both_types() {
    let cases = [
        (
            "destination",
            "/event",
            json!(5),
            "/event: expected an event or its name, found a number",
        ),
        (
            "destination",
            "/event",
            json!(null),
            "/event: expected an event or its name, found null",
        ),
        (
            "destination",
            "/event",
            json!([]),
            "/event: expected an event or its name, found an array",
        ),
        (
            "destination",
            "/event",
            json!(" "),
            "/event: expected a name or text, found a blank one",
        ),
        (
            "destination",
            "/event/event",
            json!(null),
            "/event/event: expected a string, found null",
        ),
        (
            "destination",
            "/event/event",
            json!({}),
            "/event/event: expected a string, found an object",
        ),
        (
            "destination",
            "/event/event",
            json!(""),
            "/event/event: expected a name or text, found a blank one",
        ),
        (
            "destination",
            "/event/uuid",
            json!({}),
            "/event/uuid: expected a string or whole number, found an object",
        ),
        (
            "destination",
            "/event/distinct_id",
            json!(1.5),
            "/event/distinct_id: expected a string or whole number, found a number with a fraction",
        ),
        (
            "destination",
            "/event/properties",
            json!("{}"),
            "/event/properties: expected an object, found a string",
        ),
        (
            "destination",
            "/person",
            json!("Ada"),
            "/person: expected an object, found a string",
        ),
        (
            "destination",
            "/person/id",
            json!(true),
            "/person/id: expected a string or whole number, found a boolean",
        ),
        (
            "destination",
            "/person/properties",
            json!([1]),
            "/person/properties: expected an object, found an array",
        ),
        (
            "destination_globals",
            "/project",
            json!("Production"),
            "/project: expected an object, found a string",
        ),
        (
            "destination_globals",
            "/project/id",
            json!([12345]),
            "/project/id: expected a string or whole number, found an array",
        ),
        (
            "destination_globals",
            "/project/name",
            json!(7),
            "/project/name: expected a string, found a number",
        ),
        (
            "destination_flat",
            "/properties",
            json!(1),
            "/properties: expected an object, found a number",
        ),
        (
            "rest_hook",
            "/data/event",
            json!(1),
            "/data/event: expected a string, found a number",
        ),
        (
            "rest_hook",
            "/data/person",
            json!(7),
            "/data/person: expected an object, found a number",
        ),
        (
            "rest_hook",
            "/hook/id",
            json!({}),
            "/hook/id: expected a string or whole number, found an object",
        ),
        (
            "logs_alert_webhook",
            "/type",
            json!(""),
            "/type: expected a name or text, found a blank one",
        ),
        (
            "logs_alert_webhook",
            "/id",
            json!(false),
            "/id: expected a string or whole number, found a boolean",
        ),
        (
            "action_message",
            "/text",
            json!(1),
            "/text: expected a string, found a number",
        ),
        (
            "action_message",
            "/text",
            json!(""),
            "/text: expected a name or text, found a blank one",
        ),
    ];
    for (family, pointer, value, expected) in cases {
        let mut body = body(family, 0);
        *body.pointer_mut(pointer).unwrap() = value;
        assert_eq!(error(&body), expected);
    }
    let text = error(&json!({"event": {"uuid": "u-1"}}));
    assert_eq!(text, "/event/event: expected a string, found nothing");
}

#[test]
fn what_is_merely_nice_to_have_is_left_out() {
    let mut body = body("destination_globals", 0);
    body["event"]["timestamp"] = json!("yesterday");
    body["event"]["url"] = json!({});
    body["event"]["elements_chain"] = json!(["div"]);
    body["person"]["name"] = json!(7);
    body["person"]["url"] = json!(7);
    body["groups"] = json!("acme");
    body["project"]["url"] = json!(false);
    body["source"] = json!("Orders");
    let event = parse(&body);
    assert_eq!(event.occurred_at, None);
    assert_eq!(event.actor.as_deref(), Some("ada@example.com"));
    let facts = facts(&event);
    assert_eq!(
        (facts.url, facts.elements_chain, facts.source),
        (None, None, None)
    );
    assert!(facts.groups.is_empty());
    assert_eq!(facts.project.unwrap().url, None);
}

#[test]
fn a_time_that_no_event_can_have_is_left_out() {
    for time in [
        json!("-004712-01-01T00:00:00Z"),
        json!("1969-12-31T23:59:59Z"),
        json!(u64::MAX),
        json!(1_789_373_730_250_u64),
        json!("9999-12-31T23:59:59Z"),
    ] {
        let event = parse(&json!({"event": "a", "timestamp": time}));
        assert_eq!(event.occurred_at, None, "{time}");
    }
}

#[test]
fn bytes_that_are_no_object_are_malformed() {
    let whole = body("destination", 1).to_string();
    for end in 0..whole.len() {
        let request = WebhookRequest::for_test(&[], &whole.as_bytes()[..end]);
        assert!(matches!(
            PostHog::parse(request),
            Err(ParseError::Malformed(_))
        ));
    }
}
