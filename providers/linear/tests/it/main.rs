//! The provider from the outside: payloads in, events and verdicts out.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod apps;
mod events;
mod examples;
mod filters;
mod malformed;
mod mutations;
mod readme;
mod snapshots;

use serde_json::Value;
use std::collections::BTreeMap;
use triggerhouse_provider_linear::{Facts, Linear};
use triggerhouse_sdk::prelude::*;
use triggerhouse_sdk::testing;

/// Payloads by type.
type Collection = BTreeMap<String, Vec<Value>>;

/// Payloads that people have received from Linear in 2021 and 2023; see the NOTICE
/// beside them.
fn received() -> Collection {
    let mut received = collection("trigger-dev.json");
    for (kind, payloads) in collection("linear-webhook.json") {
        received.entry(kind).or_default().extend(payloads);
    }
    received
}

/// Payloads of every type and action in Linear's own schema.
fn schema() -> Collection {
    collection("schema.json")
}

fn collection(file: &str) -> Collection {
    serde_json::from_str(&fixture(file)).unwrap()
}

fn fixture(file: &str) -> String {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures/linear");
    std::fs::read_to_string(format!("{folder}/{file}")).unwrap()
}

/// The delivery of one payload. The host removes the signature.
fn request(payload: &Value) -> WebhookRequest {
    let headers = [
        ("content-type", "application/json; charset=utf-8"),
        ("user-agent", "Linear-Webhook"),
        ("linear-delivery", "234d1a4e-b617-4388-90fe-adc3633d6b72"),
        ("linear-event", payload["type"].as_str().unwrap_or_default()),
        ("linear-timestamp", "1770091507000"),
    ];
    WebhookRequest::for_test(&headers, payload.to_string().as_bytes())
}

/// The one event of a payload.
fn parse(payload: &Value) -> Event {
    let mut events =
        Linear::parse(request(payload)).unwrap_or_else(|error| panic!("{error:?} in {payload}"));
    assert_eq!(events.len(), 1);
    events.remove(0)
}

/// The first payload of a type with this action, in Linear's present form.
fn example(kind: &str, action: &str) -> Value {
    let examples = schema().remove(kind).unwrap();
    let wanted = |payload: &Value| payload["action"] == action;
    examples.into_iter().find(wanted).unwrap()
}

fn facts(event: &Event) -> Facts {
    serde_json::from_str(&event.facts).unwrap()
}

fn accepts(event: &Event, config: Value) {
    testing::assert_accepts::<Linear>(event, &config);
}

/// Asserts a rejection that names the field.
fn rejects(event: &Event, config: Value, field: &str) {
    testing::assert_rejects::<Linear>(event, &config, field);
}

fn invalid(config: Value, field: &str) {
    testing::assert_invalid::<Linear>(&parse(&example("Issue", "create")), &config, field);
}

fn verdict(event: &Event, config: Value) -> Verdict {
    testing::verdict::<Linear>(event, &config)
}
