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
use triggerhouse_provider_sentry::{Facts, Sentry};
use triggerhouse_sdk::prelude::*;
use triggerhouse_sdk::testing;

testing::suite!(Sentry, Facts, fixtures: "../../tests/fixtures/sentry");

/// Payloads that Zulip's developers received from Sentry; see the NOTICE beside them.
/// Deliveries of the older plugin are under `legacy`.
fn zulip() -> Collection {
    collection("zulip.json")
}

/// Payloads from the tests of Sentry's example application.
fn example_app() -> Collection {
    collection("example-app.json")
}

/// Every resource and action in the documentation, with invented values.
fn documented() -> Collection {
    collection("documented.json")
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

/// The only event of a payload.
fn parse(resource: &str, payload: &Value) -> Event {
    only_event(request(resource, payload))
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

/// A payload with another value at `pointer`, which must exist.
fn with(mut payload: Value, pointer: &str, value: Value) -> Value {
    *payload.pointer_mut(pointer).unwrap() = value;
    payload
}

/// A payload without a field, which must exist.
fn without(mut payload: Value, object: &str, field: &str) -> Value {
    let object = payload
        .pointer_mut(object)
        .unwrap()
        .as_object_mut()
        .unwrap();
    object.remove(field).unwrap();
    payload
}
