//! The provider from the outside: bodies in, events and verdicts out.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod bodies;
mod dedup;
mod describe;
mod examples;
mod filters;
mod limits;
mod malformed;
mod mutations;
mod properties;
mod snapshots;

use serde_json::Value;
use std::collections::BTreeMap;
use triggerhouse_provider_posthog::{Facts, PostHog};
use triggerhouse_sdk::prelude::*;
use triggerhouse_sdk::testing;

testing::suite!(PostHog, Facts, fixtures: "../../tests/fixtures/posthog");

/// A body and its headers.
#[derive(Clone, Debug, Deserialize)]
struct Delivery {
    headers: BTreeMap<String, String>,
    body: Value,
}

/// Deliveries by family; see the NOTICE beside them.
fn fixtures() -> BTreeMap<String, Vec<Delivery>> {
    serde_json::from_str(&fixture("bodies.json")).unwrap()
}

fn delivery(family: &str, index: usize) -> Delivery {
    fixtures()[family][index].clone()
}

/// The body of one fixture.
fn body(family: &str, index: usize) -> Value {
    delivery(family, index).body
}

fn request(delivery: &Delivery) -> WebhookRequest {
    let headers = delivery.headers.iter();
    let headers: Vec<(&str, &str)> = headers.map(|(k, v)| (k.as_str(), v.as_str())).collect();
    WebhookRequest::for_test(&headers, delivery.body.to_string().as_bytes())
}

/// The delivery of a body without a signature.
fn unsigned(body: &Value) -> WebhookRequest {
    let headers = [("content-type", "application/json")];
    WebhookRequest::for_test(&headers, body.to_string().as_bytes())
}

/// The only event of a body without a signature.
fn parse(body: &Value) -> Event {
    only_event(unsigned(body))
}

/// The reason why a configuration is invalid.
#[track_caller]
fn refusal(config: Value) -> String {
    testing::refusal::<PostHog>(&parse(&body("destination", 1)), &config)
}
