//! The provider from the outside: payloads in, events and verdicts out.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod events;
mod examples;
mod filters;
mod malformed;
mod mutations;
mod snapshots;

use serde_json::Value;
use triggerhouse_provider_github::{Facts, GitHub};
use triggerhouse_sdk::prelude::*;
use triggerhouse_sdk::testing;

testing::suite!(GitHub, Facts, fixtures: "../../tests/fixtures/github");

/// Payloads that people received from GitHub; see the NOTICE beside them.
fn octokit() -> Collection {
    collection("octokit.json")
}

/// One payload for each event and action in GitHub's own schemas.
fn schema() -> Collection {
    collection("schema.json")
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

/// The only event of a payload.
fn parse(event: &str, payload: &Value) -> Event {
    only_event(request(event, payload))
}

/// The first payload of an event with this action.
fn example(event: &str, action: &str) -> Value {
    let examples = octokit().remove(event).unwrap();
    let wanted =
        |payload: &Value| payload.get("action").and_then(Value::as_str).unwrap_or("") == action;
    examples.into_iter().find(wanted).unwrap()
}
