//! Bodies that are too large to be kept whole.

use super::*;
use serde_json::{Map, json};

#[test]
fn a_property_too_large_to_keep_is_named_and_never_compared() {
    let mut body = body("destination", 1);
    body["event"]["properties"]["stack"] = json!("x".repeat(40_000));
    let event = parse(&body);
    assert_eq!(facts(&event).properties_omitted, ["stack"]);
    for (op, value) in [
        ("eq", json!("x")),
        ("neq", json!("y")),
        ("contains", json!("x")),
        ("regex", json!("x")),
    ] {
        let text = reason(
            &event,
            json!({"properties": [{"key": "stack", "op": op, "value": value}]}),
        );
        assert_eq!(
            text,
            "properties: `stack`: too large to be kept, so it was not compared"
        );
    }
    accepts(
        &event,
        json!({"properties": [{"key": "stack", "op": "exists"}]}),
    );
    rejects(
        &event,
        json!({"properties": [{"key": "stack", "op": "exists", "value": false}]}),
        "properties",
    );
    let inner = json!({"properties": [{"key": "/stack/frames", "op": "exists", "value": false}]});
    assert_eq!(
        reason(&event, inner),
        "properties: `/stack/frames`: the event was too large to be kept whole, so it was not compared"
    );
    accepts(
        &event,
        json!({"properties": [{"key": "plan", "value": "pro"}]}),
    );
}

#[test]
fn a_property_that_may_have_been_dropped_is_not_missing() {
    let mut properties: Map<String, Value> = (0..1_000)
        .map(|i| (format!("p{i:04}"), json!("x".repeat(1_000))))
        .collect();
    properties.insert("a".into(), json!(1));
    let event = parse(&json!({"event": "large", "properties": properties}));
    let facts = facts(&event);
    assert!(facts.reduced && facts.properties_omitted.len() == 100);
    accepts(&event, json!({"properties": [{"key": "a", "value": 1}]}));
    let absent = json!({"properties": [{"key": "absent", "op": "exists", "value": false}]});
    assert_eq!(
        reason(&event, absent),
        "properties: `absent`: the event was too large to be kept whole, so it was not compared"
    );
}

#[test]
fn texts_of_any_length_and_kind_fit() {
    for text in [
        "\u{1}".repeat(60_000),
        "é🍞".repeat(20_000),
        "\"".repeat(100_000),
    ] {
        let body = json!({
            "event": {
                "event": text, "uuid": text, "distinct_id": text, "timestamp": text, "url": text,
                "elements_chain": text,
                "properties": {"a": text, "$current_url": text, &text[..900]: 1}
            },
            "person": {"id": text, "name": text, "url": text, "properties": {"email": text, "x": text}},
            "groups": {&text[..900]: {"id": text}},
            "project": {"id": text, "name": text, "url": text},
            "source": {"name": text, "url": text},
        });
        testing::assert_within_limits(&parse(&body));
        testing::assert_within_limits(&parse(&json!({"text": text})));
        testing::assert_within_limits(&parse(
            &json!({"type": text, "id": text, "data": {"alert_name": text}}),
        ));
        let hook = json!({"hook": {"id": text, "event": text}, "data": {"event": text}});
        testing::assert_within_limits(&parse(&hook));
    }
}

#[test]
fn deeply_nested_properties_are_readable_in_the_facts() {
    let deep = format!("{}{}", "[".repeat(125), "]".repeat(125));
    for body in [
        format!(r#"{{"event": "a", "properties": {{"x": {deep}}}}}"#),
        format!(r#"{{"x": {deep}}}"#),
    ] {
        let request = WebhookRequest::for_test(&[], body.as_bytes());
        if let Ok(events) = PostHog::parse(request) {
            accepts(
                &events[0],
                json!({"properties": [{"key": "x", "op": "exists"}]}),
            );
        }
    }
}
