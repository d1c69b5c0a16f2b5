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
use triggerhouse_provider_linear::{Facts, Linear};
use triggerhouse_sdk::prelude::*;
use triggerhouse_sdk::testing;

testing::suite!(Linear, Facts, fixtures: "../../tests/fixtures/linear");

/// Payloads that people received from Linear in 2021 and 2023; see the NOTICE beside them.
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

/// The only event of a payload.
fn parse(payload: &Value) -> Event {
    only_event(request(payload))
}

/// The first payload of a type with this action, in Linear's current form.
fn example(kind: &str, action: &str) -> Value {
    let examples = schema().remove(kind).unwrap();
    let wanted = |payload: &Value| payload["action"] == action;
    examples.into_iter().find(wanted).unwrap()
}
