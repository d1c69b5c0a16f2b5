//! The provider from the outside: payloads in, events and verdicts out.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod events;
mod examples;
mod filters;
mod malformed;
mod mutations;
mod snapshots;

use serde_json::Value;
use std::collections::BTreeMap;
use triggerhouse_provider_github::{Facts, GitHub};
use triggerhouse_sdk::prelude::*;
use triggerhouse_sdk::testing;

/// Payloads by event.
type Collection = BTreeMap<String, Vec<Value>>;

/// Examples that people have received from GitHub; see the NOTICE beside them.
fn octokit() -> Collection {
    collection("octokit.json")
}

/// One payload for each event and action in GitHub's own schemas.
fn schema() -> Collection {
    collection("schema.json")
}

fn collection(file: &str) -> Collection {
    serde_json::from_str(&fixture(file)).unwrap()
}

fn fixture(file: &str) -> String {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures/github");
    std::fs::read_to_string(format!("{folder}/{file}")).unwrap()
}

/// The delivery of one payload.
fn request(event: &str, payload: &Value) -> WebhookRequest {
    let headers = [
        ("content-type", "application/json"),
        ("x-github-event", event),
        ("x-github-delivery", "72d3162e-cc78-11e3-81ab-4c9367dc0958"),
        ("x-github-hook-id", "292430182"),
        ("x-github-hook-installation-target-type", "repository"),
        ("x-github-hook-installation-target-id", "79929171"),
    ];
    WebhookRequest::for_test(&headers, payload.to_string().as_bytes())
}

/// The one event of a payload.
fn parse(event: &str, payload: &Value) -> Event {
    let mut events = GitHub::parse(request(event, payload))
        .unwrap_or_else(|error| panic!("{event}: {error:?} in {payload}"));
    assert_eq!(events.len(), 1);
    events.remove(0)
}

/// The first example of an event with this action.
fn example(event: &str, action: &str) -> Value {
    let examples = octokit().remove(event).unwrap();
    let wanted =
        |payload: &Value| payload.get("action").and_then(Value::as_str).unwrap_or("") == action;
    examples.into_iter().find(wanted).unwrap()
}

fn facts(event: &Event) -> Facts {
    serde_json::from_str(&event.facts).unwrap()
}

fn accepts(event: &Event, config: Value) {
    testing::assert_accepts::<GitHub>(event, &config);
}

/// Asserts a rejection that names the field.
fn rejects(event: &Event, config: Value, field: &str) {
    testing::assert_rejects::<GitHub>(event, &config, field);
}

fn verdict(event: &Event, config: Value) -> Verdict {
    testing::verdict::<GitHub>(event, &config)
}
