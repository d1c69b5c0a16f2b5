//! For a provider's own tests: what a configuration makes of an event, and
//! deliveries broken at random.
//!
//! A provider's `parse` must be total: whatever the bytes, it answers. [`probe`]
//! breaks a real delivery as a few random bytes say and checks the answer, so one
//! test serves a seeded loop, a property test and a coverage-guided fuzzer:
//!
//! ```ignore
//! bolero::check!().for_each(|bytes: &[u8]| {
//!     testing::probe::<Mine>(&deliveries, &configs, bytes);
//! });
//! ```

mod mutation;

pub use mutation::mutate;

use crate::contract::types::{Event, ParseError, Verdict, WebhookRequest};
use crate::limits::{
    ACTOR_BYTES_MAX, DEDUP_KEY_BYTES_MAX, FACTS_BYTES_MAX, KIND_BYTES_MAX, TIME_US_MAX,
    TITLE_BYTES_MAX, URL_BYTES_MAX,
};
use crate::{Describe, Filter, Webhook, judge, provider_info};
use serde_json::Value;

/// What `config` makes of an event.
pub fn verdict<P: Filter>(event: &Event, config: &Value) -> Verdict {
    judge::<P>(event, &[config.to_string()]).remove(0)
}

/// Asserts that `config` wants an event.
#[track_caller]
pub fn assert_accepts<P: Filter>(event: &Event, config: &Value) {
    let verdict = verdict::<P>(event, config);
    assert_eq!(verdict, Verdict::Accept, "{config} on {}", event.kind);
}

/// Asserts that `config` rejects an event, with a reason that names `field`.
#[track_caller]
pub fn assert_rejects<P: Filter>(event: &Event, config: &Value, field: &str) {
    match verdict::<P>(event, config) {
        Verdict::Reject(reason) => assert!(
            reason.starts_with(&format!("{field}: ")),
            "{field} expected: {reason}"
        ),
        other => panic!("{config} on {}: {other:?}", event.kind),
    }
}

/// Asserts that `config` is refused, with a reason that names `field`.
#[track_caller]
pub fn assert_invalid<P: Filter>(event: &Event, config: &Value, field: &str) {
    match verdict::<P>(event, config) {
        Verdict::InvalidConfig(reason) => {
            assert!(reason.contains(field), "{field} expected: {reason}");
        }
        other => panic!("{config}: {other:?}"),
    }
}

/// Asserts that the schema of a provider's configurations refuses unknown fields, wants
/// none in particular, and says of each what it is for.
#[track_caller]
pub fn assert_schema_explains<P: Describe + Filter>() {
    let schema: Value = serde_json::from_str(&provider_info::<P>().config_schema)
        .unwrap_or_else(|error| panic!("the schema is no JSON: {error}"));
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

/// What became of a broken delivery.
#[derive(Debug)]
pub struct Probed {
    /// The delivery.
    pub request: WebhookRequest,
    /// What `parse` said.
    pub result: Result<Vec<Event>, ParseError>,
}

/// Breaks one of `deliveries` as `bytes` say, has it parsed twice and judged, and
/// checks what must hold of any delivery: no panic, the same answer each time,
/// events within the limits, errors that say what was expected, and a verdict for
/// each configuration.
pub fn probe<P: Webhook + Filter>(
    deliveries: &[WebhookRequest],
    configs: &[String],
    bytes: &[u8],
) -> Probed {
    let request = mutate(deliveries, bytes);
    let result = P::parse(request.clone());
    assert_eq!(P::parse(request.clone()), result, "parse is no function");
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
