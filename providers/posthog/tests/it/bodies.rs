//! The forms of bodies, and their edited variants.

use super::*;
use serde_json::json;
use triggerhouse_provider_posthog::facts::{Format, Project};

#[test]
fn a_flat_event_equals_a_nested_one() {
    let mut nested = body("destination", 1);
    let mut flat = nested["event"].take();
    flat["person"] = nested["person"].take();
    let flat = parse(&flat);
    let nested = parse(&body("destination", 1));
    assert_eq!(flat, nested);
}

#[test]
fn an_event_needs_nothing_but_its_name() {
    for body in [
        json!({"event": {"event": "signup"}}),
        json!({"event": "signup"}),
    ] {
        let event = parse(&body);
        assert_eq!(event.kind, "signup");
        assert_eq!(event.title, "signup");
        assert_eq!((event.url.as_ref(), event.actor.as_ref()), (None, None));
        assert_eq!(event.occurred_at, None);
        assert_eq!(event.facts, r#"{"format":"event","event":"signup"}"#);
    }
}

#[test]
fn absent_null_and_empty_parts_are_the_same() {
    let bare = parse(&json!({"event": {"event": "signup"}})).facts;
    let empty = json!({
        "event": {
            "event": "signup", "uuid": "", "distinct_id": "", "properties": {}, "timestamp": "",
            "elements_chain": "", "url": ""
        },
        "person": {"id": "", "name": "", "properties": {}, "url": ""},
        "groups": {},
        "project": {"id": "", "name": "", "url": ""},
        "source": {"name": "", "url": ""},
    });
    assert_eq!(parse(&empty).facts, bare);
    let null = json!({
        "event": {
            "event": "signup", "uuid": null, "distinct_id": null, "properties": null,
            "timestamp": null, "elements_chain": null, "url": null
        },
        "person": null, "groups": null, "project": null, "source": null,
    });
    assert_eq!(parse(&null).facts, bare);
}

#[test]
fn the_keys_of_rest_hooks_are_understood() {
    let event = parse(&body("rest_hook", 0));
    let facts = facts(&event);
    assert_eq!(facts.format, Format::RestHook);
    assert_eq!(facts.distinct_id.as_deref(), Some("ada-1"));
    assert_eq!(facts.project.unwrap().id.as_deref(), Some("12345"));
    assert_eq!(
        facts.hook.unwrap().event.as_deref(),
        Some("action_performed")
    );
    assert!(
        !event.facts.contains("hooks.example.com"),
        "{}",
        event.facts
    );
    let older = parse(&body("rest_hook", 2));
    let person = super::facts(&older).person.unwrap();
    assert_eq!(
        person.id.as_deref(),
        Some("0192aaaa-1111-7222-8333-444455556666")
    );
}

#[test]
fn the_default_body_names_its_project_in_the_link_to_the_event() {
    let project = |body: &Value| facts(&parse(body)).project;
    let mut body = body("destination", 1);
    let expected = Project {
        id: Some("12345".into()),
        ..Project::default()
    };
    assert_eq!(project(&body), Some(expected));
    // A captured link proves nothing.
    body["event"]["url"] = json!("https://app.example.com/project/77/events/other");
    assert_eq!(project(&body), None);
}

#[test]
fn an_email_of_another_type_is_ignored_and_the_event_is_kept() {
    for email in [json!(true), json!(7), json!(["ada@example.com"]), json!({})] {
        let mut body = body("destination", 1);
        body["person"]["properties"]["email"] = email;
        let event = parse(&body);
        assert_eq!(facts(&event).person.unwrap().email, None);
        rejects(&event, json!({"persons": ["*@example.com"]}), "persons");
    }
}

#[test]
fn a_text_with_other_keys_is_a_custom_body() {
    let event = parse(&json!({"text": "hello", "customer": "Ada"}));
    assert_eq!(event.kind, "custom.received");
    accepts(
        &event,
        json!({"properties": [{"key": "customer", "value": "Ada"}]}),
    );
    assert_eq!(parse(&json!({"text": "hello"})).kind, "action.performed");
}

/// Alerts of logs once sent their data alone, which does not say if they fire or resolve.
#[test]
fn an_alert_without_an_insight_is_a_custom_body() {
    let alert = json!({"alert_name": "Checkout errors", "result_count": 3});
    assert_eq!(parse(&alert).kind, "custom.received");
    let insight = json!({"insight_name": "Signups per day"});
    assert_eq!(parse(&insight).kind, "custom.received");
}

#[test]
fn a_custom_body_has_no_person_and_no_project() {
    let event = parse(&body("custom", 0));
    rejects(&event, json!({"persons": ["ada@example.com"]}), "persons");
    rejects(&event, json!({"projects": ["12345"]}), "projects");
    let by_pointer = json!({"key": "/person/email", "value": "ada@example.com"});
    accepts(&event, json!({"properties": [by_pointer]}));
    assert_eq!(parse(&json!({})).kind, "custom.received");
}

#[test]
fn the_query_of_a_url_stays_out_of_the_title() {
    let event = parse(&body("destination", 0));
    assert_eq!(
        event.title,
        "[project 12345] $pageview by ada@example.com: https://shop.example.com/pricing"
    );
    assert_eq!(
        facts(&event).properties["$current_url"],
        "https://shop.example.com/pricing?coupon=SUMMER"
    );
}

#[test]
fn an_issue_of_error_tracking_has_a_link_if_the_body_names_its_project() {
    assert_eq!(parse(&body("error_tracking", 0)).url, None);
    let globals = parse(&body("error_tracking", 6));
    assert_eq!(
        globals.url.as_deref(),
        Some(
            "https://us.posthog.com/project/12345/error_tracking/0192ffff-0000-7000-8000-0000000000a1"
        )
    );
    let mut odd = body("error_tracking", 6);
    odd["event"]["distinct_id"] = json!("../../logout");
    assert_eq!(parse(&odd).url, None);
}

#[test]
fn a_link_that_no_browser_opens_is_left_out() {
    let long = format!("https://{}", "x".repeat(5_000));
    for link in ["javascript:alert(1)", "", "ftp://x", &long] {
        let mut body = body("destination", 1);
        body["event"]["url"] = json!(link);
        body["event"]["properties"]["$current_url"] = json!(link);
        assert_eq!(parse(&body).url, None, "{link}");
    }
}

#[test]
fn a_name_of_punctuation_only_still_has_a_title() {
    for name in ["$", "_", "$_", ".", "..", "\u{0}"] {
        let event = parse(&json!({"event": name}));
        assert!(!event.title.is_empty(), "{name}");
        let alert = parse(&json!({"type": name, "data": {}}));
        assert!(!alert.title.is_empty(), "{name}");
    }
}
