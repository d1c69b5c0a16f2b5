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

/// A body and the headers it was sent with.
#[derive(Clone, Debug, Deserialize)]
struct Delivery {
    headers: BTreeMap<String, String>,
    body: Value,
}

/// Deliveries by family; see the NOTICE beside them.
fn fixtures() -> BTreeMap<String, Vec<Delivery>> {
    let file = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../tests/fixtures/posthog/bodies.json"
    );
    serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap()
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

/// The delivery of a body that is not signed.
fn unsigned(body: &Value) -> WebhookRequest {
    let headers = [("content-type", "application/json")];
    WebhookRequest::for_test(&headers, body.to_string().as_bytes())
}

fn only_event(request: WebhookRequest) -> Event {
    let shown = String::from_utf8_lossy(&request.body).into_owned();
    let mut events =
        PostHog::parse(request).unwrap_or_else(|error| panic!("{error:?} in {shown:.2000}"));
    assert_eq!(events.len(), 1);
    events.remove(0)
}

/// The one event of a body that is not signed.
fn parse(body: &Value) -> Event {
    only_event(unsigned(body))
}

fn facts(event: &Event) -> Facts {
    serde_json::from_str(&event.facts).unwrap()
}

fn accepts(event: &Event, config: Value) {
    testing::assert_accepts::<PostHog>(event, &config);
}

/// Asserts a rejection that names the field.
fn rejects(event: &Event, config: Value, field: &str) {
    testing::assert_rejects::<PostHog>(event, &config, field);
}

fn verdict(event: &Event, config: Value) -> Verdict {
    testing::verdict::<PostHog>(event, &config)
}

/// The text of a rejection.
fn reason(event: &Event, config: Value) -> String {
    match verdict(event, config) {
        Verdict::Reject(reason) => reason,
        other => panic!("{other:?}"),
    }
}

/// The text of a configuration's refusal.
fn refusal(config: Value) -> String {
    match verdict(&parse(&body("destination", 1)), config) {
        Verdict::InvalidConfig(reason) => reason,
        other => panic!("{other:?}"),
    }
}
