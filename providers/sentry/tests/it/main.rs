//! The provider from the outside: payloads in, events and verdicts out.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod dedup;
mod events;
mod examples;
mod filters;
mod malformed;
mod mutations;
mod snapshots;

use serde_json::Value;
use std::collections::BTreeMap;
use triggerhouse_provider_sentry::{Facts, Sentry};
use triggerhouse_sdk::prelude::*;
use triggerhouse_sdk::testing;

/// Payloads by resource; those of the older plugin under `legacy`.
type Collection = BTreeMap<String, Vec<Value>>;

/// What Zulip's developers have received from Sentry; see the NOTICE beside it.
fn zulip() -> Collection {
    collection("zulip.json")
}

/// What Sentry's example application is tested with.
fn example_app() -> Collection {
    collection("example-app.json")
}

/// Every resource and action of the documentation, with invented values.
fn documented() -> Collection {
    collection("documented.json")
}

fn collection(file: &str) -> Collection {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures/sentry");
    serde_json::from_str(&std::fs::read_to_string(format!("{folder}/{file}")).unwrap()).unwrap()
}

/// Every payload of the three collections.
fn all() -> Vec<(String, Value)> {
    let collections = [zulip(), example_app(), documented()].into_iter().flatten();
    collections
        .flat_map(|(resource, bodies)| bodies.into_iter().map(move |body| (resource.clone(), body)))
        .collect()
}

/// The delivery of one payload, with the headers that Sentry documents.
fn request(resource: &str, payload: &Value) -> WebhookRequest {
    let body = payload.to_string();
    if resource == "legacy" {
        let headers = [("content-type", "application/json")];
        return WebhookRequest::for_test(&headers, body.as_bytes());
    }
    let headers = [
        ("content-type", "application/json"),
        ("request-id", "3f1f5ef2a1c84a3c9f6d2b7f0c4d8e11"),
        ("sentry-hook-resource", resource),
        ("sentry-hook-timestamp", "1772443801"),
    ];
    WebhookRequest::for_test(&headers, body.as_bytes())
}

/// The one event of a payload.
fn parse(resource: &str, payload: &Value) -> Event {
    let mut events = Sentry::parse(request(resource, payload))
        .unwrap_or_else(|error| panic!("{resource}: {error:?} in {payload}"));
    assert_eq!(events.len(), 1);
    events.remove(0)
}

/// The first documented payload of a resource with this action.
fn example(resource: &str, action: &str) -> Value {
    of(documented(), resource, action)
}

/// The first payload of a collection with this resource and action.
fn of(mut collection: Collection, resource: &str, action: &str) -> Value {
    let bodies = collection.remove(resource).unwrap();
    let is_wanted =
        |body: &Value| body.get("action").and_then(Value::as_str).unwrap_or("") == action;
    bodies.into_iter().find(is_wanted).unwrap()
}

/// A payload with the value at `pointer` replaced; it must be there.
fn with(mut payload: Value, pointer: &str, value: Value) -> Value {
    *payload.pointer_mut(pointer).unwrap() = value;
    payload
}

/// A payload without a field; it must be there.
fn without(mut payload: Value, object: &str, field: &str) -> Value {
    let object = payload
        .pointer_mut(object)
        .unwrap()
        .as_object_mut()
        .unwrap();
    object.remove(field).unwrap();
    payload
}

fn facts(event: &Event) -> Facts {
    serde_json::from_str(&event.facts).unwrap()
}

fn accepts(event: &Event, config: Value) {
    testing::assert_accepts::<Sentry>(event, &config);
}

/// Asserts a rejection that names the field.
fn rejects(event: &Event, config: Value, field: &str) {
    testing::assert_rejects::<Sentry>(event, &config, field);
}

fn invalid(event: &Event, config: Value, field: &str) {
    testing::assert_invalid::<Sentry>(event, &config, field);
}

fn verdict(event: &Event, config: Value) -> Verdict {
    testing::verdict::<Sentry>(event, &config)
}
