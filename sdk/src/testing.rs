//! Helpers for a provider's tests: verdicts, limits, shared test suites, and deliveries
//! broken at random.
//!
//! A provider's `parse` must be total: it answers any bytes. [`probe`] breaks a real
//! delivery as a few random bytes say and checks the answer, so one test serves a seeded
//! loop, a property test and a coverage-guided fuzzer:
//!
//! ```ignore
//! bolero::check!().for_each(|bytes: &[u8]| {
//!     testing::probe::<Mine>(&deliveries, &configs, bytes);
//! });
//! ```
//!
//! [`suite!`], [`mutations!`] and [`snapshots!`] declare what the tests of every webhook
//! provider have in common.

mod cases;
mod mutation;
mod suite;

pub use crate::{mutations, snapshots, suite};
pub use cases::{Case, cases};
pub use mutation::mutate;

use crate::contract::types::{Event, ParseError, Verdict, WebhookRequest};
use crate::limits::{
    ACTOR_BYTES_MAX, DEDUP_KEY_BYTES_MAX, FACTS_BYTES_MAX, KIND_BYTES_MAX, TIME_US_MAX,
    TITLE_BYTES_MAX, URL_BYTES_MAX,
};
use crate::{Describe, Filter, Webhook, judge, provider_info};
use serde_json::Value;

/// The verdict of `config` on an event.
pub fn verdict<P: Filter>(event: &Event, config: &Value) -> Verdict {
    judge::<P>(event, &[config.to_string()]).remove(0)
}

/// Asserts that `config` accepts an event.
#[track_caller]
pub fn assert_accepts<P: Filter>(event: &Event, config: &Value) {
    let verdict = verdict::<P>(event, config);
    assert_eq!(verdict, Verdict::Accept, "{config} on {}", event.kind);
}

/// Asserts that `config` rejects an event, with a reason that names `field`.
#[track_caller]
pub fn assert_rejects<P: Filter>(event: &Event, config: &Value, field: &str) {
    let reason = reason::<P>(event, config);
    let prefix = format!("{field}: ");
    assert!(reason.starts_with(&prefix), "{field} expected: {reason}");
}

/// The reason of a rejection.
///
/// # Panics
/// If `config` does not reject the event.
#[track_caller]
pub fn reason<P: Filter>(event: &Event, config: &Value) -> String {
    match verdict::<P>(event, config) {
        Verdict::Reject(reason) => reason,
        other => panic!("{config} on {}: {other:?}", event.kind),
    }
}

/// Asserts that `config` is invalid, with a reason that names `field`.
#[track_caller]
pub fn assert_invalid<P: Filter>(event: &Event, config: &Value, field: &str) {
    let reason = refusal::<P>(event, config);
    assert!(reason.contains(field), "{field} expected: {reason}");
}

/// The reason why a configuration is invalid.
///
/// # Panics
/// If it is valid.
#[track_caller]
pub fn refusal<P: Filter>(event: &Event, config: &Value) -> String {
    match verdict::<P>(event, config) {
        Verdict::InvalidConfig(reason) => reason,
        other => panic!("{config}: {other:?}"),
    }
}

/// Asserts that the configuration's schema refuses unknown fields, requires none, and
/// describes each.
#[track_caller]
pub fn assert_schema_explains<P: Describe + Filter>() {
    assert_explains(&provider_info::<P>().config_schema);
}

/// Asserts the same of any schema.
#[track_caller]
pub fn assert_explains(schema: &str) {
    let schema: Value = serde_json::from_str(schema)
        .unwrap_or_else(|error| panic!("the schema is not JSON: {error}"));
    assert_eq!(schema["additionalProperties"], Value::Bool(false));
    assert!(schema.get("required").is_none());
    let properties = schema["properties"].as_object();
    for (field, property) in properties.into_iter().flatten() {
        let description = &property["description"];
        assert!(description.is_string(), "{field} has no description");
    }
}

/// Asserts that an event keeps to the contract's limits.
#[track_caller]
pub fn assert_within_limits(event: &Event) {
    assert!(!event.title.is_empty() && event.title.len() <= TITLE_BYTES_MAX);
    assert!(!event.title.contains('\n'), "{}", event.title);
    assert!(!event.kind.is_empty() && event.kind.len() <= KIND_BYTES_MAX);
    assert!(!event.dedup_key.is_empty() && event.dedup_key.len() <= DEDUP_KEY_BYTES_MAX);
    assert!(event.facts.len() <= FACTS_BYTES_MAX);
    let within = |text: &Option<String>, max| text.as_ref().is_none_or(|text| text.len() <= max);
    assert!(within(&event.url, URL_BYTES_MAX));
    assert!(within(&event.actor, ACTOR_BYTES_MAX));
    assert!(event.occurred_at.is_none_or(|time| time < TIME_US_MAX));
    let facts: Result<serde_json::Map<String, Value>, _> = serde_json::from_str(&event.facts);
    assert!(facts.is_ok(), "facts: expected an object: {}", event.facts);
}

/// The only event of a delivery.
///
/// # Panics
/// If the delivery yields an error, or another number of events.
#[track_caller]
pub fn only_event<P: Webhook>(request: WebhookRequest) -> Event {
    let body = String::from_utf8_lossy(&request.body).into_owned();
    let mut events = P::parse(request).unwrap_or_else(|error| panic!("{error:?} in {body:.2000}"));
    assert_eq!(events.len(), 1, "{body:.2000}");
    events.remove(0)
}

/// The text of the error that makes a delivery malformed.
///
/// # Panics
/// If the delivery yields events or another error.
#[track_caller]
pub fn malformed<P: Webhook>(request: WebhookRequest) -> String {
    match P::parse(request) {
        Err(ParseError::Malformed(text)) => text,
        other => panic!("{other:?}"),
    }
}

/// Asserts that a delivery is malformed wherever its body is cut off.
#[track_caller]
pub fn assert_cut_bodies_are_malformed<P: Webhook>(delivery: &WebhookRequest) {
    let length = delivery.body.len();
    for end in (0..length).step_by(1 + length / 1_000) {
        let mut cut = delivery.clone();
        cut.body.truncate(end);
        malformed::<P>(cut);
    }
}

/// An event as a snapshot shows it, with its time in `unit`: `seconds` or `milliseconds`.
///
/// # Panics
/// If its facts are not JSON.
pub fn shown(event: &Event, unit: &str) -> Value {
    let us = if unit == "seconds" { 1_000_000 } else { 1_000 };
    let facts: Value = serde_json::from_str(&event.facts)
        .unwrap_or_else(|error| panic!("facts: {error}: {}", event.facts));
    let mut shown = serde_json::json!({
        "title": event.title,
        "kind": event.kind,
        "actor": event.actor,
        "url": event.url,
        "facts": facts,
    });
    shown[format!("occurred_at_{unit}")] = event.occurred_at.map(|time| time / us).into();
    shown
}

/// The kinds and titles of events, one line each, for a snapshot.
pub fn titles(events: impl IntoIterator<Item = Event>) -> String {
    let lines = events
        .into_iter()
        .map(|event| format!("{}: {}", event.kind, event.title));
    lines.collect::<Vec<_>>().join("\n")
}

/// A broken delivery and its result.
#[derive(Debug)]
pub struct Probed {
    /// The delivery.
    pub request: WebhookRequest,
    /// The result of `parse`.
    pub result: Result<Vec<Event>, ParseError>,
}

/// Breaks one of `deliveries` as `bytes` say, parses it twice and judges its events. Checks
/// what must hold of any delivery: no panic, the same result each time, events within the
/// limits, errors that say what was expected, and a verdict for each configuration.
pub fn probe<P: Webhook + Filter>(
    deliveries: &[WebhookRequest],
    configs: &[String],
    bytes: &[u8],
) -> Probed {
    let request = mutate(deliveries, bytes);
    let result = P::parse(request.clone());
    assert_eq!(P::parse(request.clone()), result, "parse is not a function");
    match &result {
        Ok(events) => {
            for event in events {
                assert_within_limits(event);
                assert_eq!(judge::<P>(event, configs).len(), configs.len());
            }
        }
        Err(ParseError::Malformed(text)) => assert!(text.contains("expected"), "{text}"),
        Err(ParseError::Ignored(text) | ParseError::Other(text)) => assert!(!text.is_empty()),
    }
    Probed { request, result }
}
