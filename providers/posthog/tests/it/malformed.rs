//! Bodies that are not as PostHog writes them: an error if a filter decides on the value,
//! otherwise a missing fact.

use super::*;
use serde_json::json;

const CASES: &str = r#"
    destination /event 5 → an event or its name, found a number
    destination /event null → an event or its name, found null
    destination /event [] → an event or its name, found an array
    destination /event " " → a name or text, found a blank one
    destination /event/event null → a string, found null
    destination /event/event {} → a string, found an object
    destination /event/event "" → a name or text, found a blank one
    destination /event/uuid {} → a string or whole number, found an object
    destination /event/distinct_id 1.5 → a string or whole number, found a number with a fraction
    destination /event/properties "{}" → an object, found a string
    destination /person "Ada" → an object, found a string
    destination /person/id true → a string or whole number, found a boolean
    destination /person/properties [1] → an object, found an array
    destination_globals /project "Production" → an object, found a string
    destination_globals /project/id [12345] → a string or whole number, found an array
    destination_globals /project/name 7 → a string, found a number
    destination_flat /properties 1 → an object, found a number
    rest_hook /data/event 1 → a string, found a number
    rest_hook /data/person 7 → an object, found a number
    rest_hook /hook/id {} → a string or whole number, found an object
    logs_alert_webhook /type "" → a name or text, found a blank one
    logs_alert_webhook /id false → a string or whole number, found a boolean
    action_message /text 1 → a string, found a number
    action_message /text "" → a name or text, found a blank one
"#;

#[test]
fn an_error_names_the_pointer_and_both_types() {
    for case in testing::cases(CASES) {
        let body = case.apply(body(&case.example, 0));
        assert_eq!(malformed(unsigned(&body)), case.error);
    }
    let text = malformed(unsigned(&json!({"event": {"uuid": "u-1"}})));
    assert_eq!(text, "/event/event: expected a string, found nothing");
}

#[test]
fn a_value_that_no_filter_decides_on_is_left_out() {
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
fn a_time_beyond_the_limit_is_left_out() {
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
