//! Deliveries that are one occurrence.

use super::*;
use serde_json::json;

fn key(body: &Value) -> String {
    parse(body).dedup_key
}

fn key_at(body: &Value, received_at: u64) -> String {
    let mut request = unsigned(body);
    request.received_at = received_at;
    only_event(request).dedup_key
}

#[test]
fn a_repeated_attempt_has_the_same_key() {
    let first = delivery("destination", 0);
    let mut again = first.clone();
    again
        .headers
        .insert("webhook-timestamp".into(), "1789373761".into());
    let key = only_event(request(&first)).dedup_key;
    assert_eq!(key, only_event(request(&again)).dedup_key);
    assert_eq!(key, "posthog:msg_000000000000000000000001");
    again
        .headers
        .insert("webhook-id".into(), "msg_other".into());
    assert_ne!(key, only_event(request(&again)).dedup_key);
}

#[test]
fn without_a_signature_the_uuid_is_the_key_at_any_time() {
    let body = body("destination", 0);
    assert_eq!(key(&body), "posthog:0192f0c1-7a3e-7b4d-9c5f-000000000001");
    assert_eq!(key_at(&body, 0), key_at(&body, 86_400_000_000));
    assert_eq!(
        key(&super::body("logs_alert_webhook", 0)),
        "posthog:0192f0c1-7a3e-7b4d-9c5f-000000000080"
    );
}

#[test]
fn a_uuid_of_any_length_makes_a_key_within_the_limit() {
    for uuid in ["x".repeat(100_000), "é".repeat(101)] {
        let key = key(&json!({"event": "a", "uuid": uuid, "source": {"name": "s"}}));
        assert_eq!(key.len(), "posthog:".len() + 64 + 1 + 16);
    }
}

#[test]
fn two_destinations_are_two_rules_if_the_body_names_them_and_one_if_not() {
    let mut one = body("destination_globals", 0);
    let mut other = one.clone();
    other["source"]["url"] = json!("https://us.posthog.com/project/12345/other");
    assert_ne!(key(&one), key(&other));
    assert!(key(&one).starts_with("posthog:0192f0c1-7a3e-7b4d-9c5f-000000000007:"));
    for body in [&mut one, &mut other] {
        body.as_object_mut().unwrap().remove("source");
    }
    assert_eq!(key(&one), key(&other));
}

#[test]
fn two_rest_hooks_of_one_event_have_two_keys() {
    let one = body("rest_hook", 0);
    let mut other = one.clone();
    other["hook"]["id"] = json!("another");
    assert_eq!(key(&one), key(&one.clone()));
    assert_ne!(key(&one), key(&other));
}

#[test]
fn without_a_uuid_each_name_person_and_time_is_an_occurrence() {
    let base = body("destination_flat", 1);
    assert_eq!(key_at(&base, 0), key_at(&base, 86_400_000_000));
    let mut keys = std::collections::BTreeSet::from([key(&base)]);
    for (field, value) in [
        ("event", json!("user signed out")),
        ("distinct_id", json!("grace-2")),
        ("timestamp", json!("2026-09-14T08:15:30.251Z")),
    ] {
        let mut body = base.clone();
        body[field] = value;
        keys.insert(key(&body));
    }
    assert_eq!(keys.len(), 4);
}

/// A key of name and person alone would swallow every later event.
#[test]
fn an_event_without_uuid_and_time_is_not_swallowed() {
    let body = json!({"event": "signup", "distinct_id": "ada-1"});
    assert_ne!(key_at(&body, 0), key_at(&body, 60_000_000));
    let other = json!({"event": "signup", "distinct_id": "ada-1", "properties": {"n": 2}});
    assert_ne!(key_at(&body, 0), key_at(&other, 0));
}

#[test]
fn a_message_is_the_same_only_within_one_minute() {
    let body = body("action_message", 0);
    assert_eq!(key_at(&body, 120_000_000), key_at(&body, 179_999_999));
    assert_ne!(key_at(&body, 120_000_000), key_at(&body, 180_000_000));
    assert_ne!(
        key_at(&body, 120_000_000),
        key_at(&super::body("action_message", 1), 120_000_000)
    );
}

#[test]
fn every_fixture_has_a_key_of_its_own() {
    let mut keys = std::collections::BTreeSet::new();
    let mut count = 0;
    for delivery in fixtures().into_values().flatten() {
        keys.insert(parse(&delivery.body).dedup_key);
        count += 1;
    }
    assert_eq!(keys.len(), count);
}
