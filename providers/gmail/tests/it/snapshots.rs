//! Snapshots of events, of the cursor and of the schemas.

use super::answers::{Answers, message, request};
use super::*;

/// An event as consumers receive it.
fn shown(name: &str, configs: &[&str]) -> Value {
    let answers = Answers::to(&message(name));
    let page = triggerhouse_provider_gmail::poll(&answers, &request(configs)).unwrap();
    let [event] = &page.events[..] else {
        panic!("one event expected: {page:?}")
    };
    testing::assert_within_limits(event);
    json!({
        "dedup_key": event.dedup_key,
        "title": event.title,
        "kind": event.kind,
        "actor": event.actor,
        "url": event.url,
        "occurred_at_ms": event.occurred_at.map(|time| time / 1_000),
        "facts": serde_json::from_str::<Value>(&event.facts).unwrap(),
    })
}

#[test]
fn invoice() {
    let configs = [r#"{"has_attachment": true, "labels": ["Clients/Acme"]}"#];
    insta::assert_json_snapshot!(shown("invoice", &configs));
}

#[test]
fn mailing_list() {
    insta::assert_json_snapshot!(shown("mailing_list", &["{}"]));
}

#[test]
fn bare() {
    insta::assert_json_snapshot!(shown("bare", &["{}"]));
}

#[test]
fn sent() {
    insta::assert_json_snapshot!(shown("sent", &["{}"]));
}

#[test]
fn the_cursor() {
    let answers = Answers::to(&message("sent"));
    let page = triggerhouse_provider_gmail::poll(&answers, &request(&["{}"])).unwrap();
    let cursor: Value = serde_json::from_str(&page.cursor).unwrap();
    insta::assert_json_snapshot!(cursor);
}

#[test]
fn the_configurations_schema() {
    let schema = triggerhouse_sdk::schema_of::<triggerhouse_provider_gmail::Config>();
    insta::assert_json_snapshot!(serde_json::from_str::<Value>(&schema).unwrap());
}

#[test]
fn the_settings_schema() {
    let schema = Gmail::settings_schema().unwrap();
    insta::assert_json_snapshot!(serde_json::from_str::<Value>(&schema).unwrap());
}
