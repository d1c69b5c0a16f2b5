//! Checks events and verdicts against the limits of the contract.

use crate::domain::event::{ParsedEvent, Verdict};
use crate::domain::limits::{
    ACTOR_BYTES_MAX, DEDUP_KEY_BYTES_MAX, FACTS_BYTES_MAX, KIND_BYTES_MAX, REASON_BYTES_MAX,
    TITLE_BYTES_MAX, URL_BYTES_MAX, bounded,
};
use crate::provider::error::GuestError;
use serde::de::IgnoredAny;
use std::collections::HashMap;

/// Checks the events of one call, of which there may be `events_max`, and makes their texts
/// fit to be stored.
///
/// # Errors
/// [`GuestError::OutputTooLarge`] or [`GuestError::BadOutput`]; names the event and the
/// field.
pub(crate) fn check_events(
    events: Vec<ParsedEvent>,
    events_max: usize,
) -> Result<Vec<ParsedEvent>, GuestError> {
    if events.len() > events_max {
        return Err(GuestError::OutputTooLarge {
            place: "in one call".into(),
            size: events.len().to_string(),
            limit: events_max,
            unit: "events",
        });
    }
    events
        .into_iter()
        .enumerate()
        .map(|(index, event)| check_event(index, event))
        .collect()
}

/// Checks that there is one verdict per configuration, and truncates reasons.
///
/// # Errors
/// [`GuestError::BadOutput`] for any other number: verdicts and configurations could not be
/// matched.
pub(crate) fn check_verdicts(
    verdicts: Vec<Verdict>,
    configs: usize,
) -> Result<Vec<Verdict>, GuestError> {
    let count = verdicts.len();
    if count != configs {
        return Err(GuestError::BadOutput(format!(
            "filter.matches returned {count} verdicts for {configs} configurations"
        )));
    }
    let cut = |verdict| match verdict {
        Verdict::Accept => Verdict::Accept,
        Verdict::Reject(reason) => Verdict::Reject(bounded(&reason, REASON_BYTES_MAX)),
        Verdict::InvalidConfig(reason) => {
            Verdict::InvalidConfig(bounded(&reason, REASON_BYTES_MAX))
        }
    };
    Ok(verdicts.into_iter().map(cut).collect())
}

fn check_event(index: usize, event: ParsedEvent) -> Result<ParsedEvent, GuestError> {
    let text = |field: &str, text: String, bytes_max| text_within(index, field, text, bytes_max);
    let optional = |field: &str, value: Option<String>, bytes_max| {
        value.map(|value| text(field, value, bytes_max)).transpose()
    };
    let event = ParsedEvent {
        dedup_key: text("dedup-key", event.dedup_key, DEDUP_KEY_BYTES_MAX)?,
        kind: text("kind", event.kind, KIND_BYTES_MAX)?,
        occurred_at: event.occurred_at,
        title: text("title", event.title, TITLE_BYTES_MAX)?,
        url: optional("url", event.url, URL_BYTES_MAX)?,
        actor: optional("actor", event.actor, ACTOR_BYTES_MAX)?,
        facts: text("facts", event.facts, FACTS_BYTES_MAX)?,
    };
    // All events with an empty key would count as one.
    for (field, value) in [("dedup-key", &event.dedup_key), ("kind", &event.kind)] {
        if value.is_empty() {
            return Err(bad(index, field, "is empty"));
        }
    }
    if let Err(error) = serde_json::from_str::<HashMap<String, IgnoredAny>>(&event.facts) {
        let wrong = format!("is no JSON object: {error}");
        return Err(bad(index, "facts", &wrong));
    }
    Ok(event)
}

/// Checks the length of `text` and replaces NUL, which Postgres cannot store.
fn text_within(
    index: usize,
    field: &str,
    text: String,
    bytes_max: usize,
) -> Result<String, GuestError> {
    let text = if text.contains('\0') {
        text.replace('\0', "\u{fffd}")
    } else {
        text
    };
    if text.len() > bytes_max {
        return Err(GuestError::OutputTooLarge {
            place: format!("of {field} in event {index}"),
            size: text.len().to_string(),
            limit: bytes_max,
            unit: "bytes",
        });
    }
    Ok(text)
}

fn bad(index: usize, field: &str, wrong: &str) -> GuestError {
    GuestError::BadOutput(format!("event {index}: {field} {wrong}"))
}
