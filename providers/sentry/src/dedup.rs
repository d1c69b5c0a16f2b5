//! The identity of an occurrence.
//!
//! Sentry numbers no delivery: `request-id` differs for each attempt, and
//! `sentry-hook-timestamp` is the time of the attempt. So the payload makes the key. A retry
//! must have the same key: it repeats the body, except that Sentry may read an issue again,
//! with other counters. The next change of the same thing must have another key.

use crate::Sentry;
use crate::delivery::Delivery;
use triggerhouse_sdk::prelude::*;

/// Bytes of an id that stays readable in a key. Sentry's ids have at most 36.
const PART_BYTES_MAX: usize = 64;

/// The values that differ between two changes of an issue: the time it was last seen, its
/// state, assignee and actor. Not its counters, which also grow between two attempts.
const ISSUE_CHANGE: &[&str] = &[
    "/data/issue/lastSeen",
    "/data/issue/status",
    "/data/issue/substatus",
    "/data/issue/statusDetails",
    "/data/issue/assignedTo",
    "/data/assignee",
    "/data/resolution_type",
    "/actor/type",
    "/actor/id",
];

/// The values that differ between two changes of an incident. It can become critical twice, with
/// a warning in between; then only the text differs, which has the measured value.
const INCIDENT_CHANGE: &[&str] = &[
    "/data/metric_alert/date_started",
    "/data/metric_alert/date_closed",
    "/data/metric_alert/status",
    "/data/description_title",
    "/data/description_text",
];

/// The values that differ between two edits of a comment. It keeps the time of its creation.
const COMMENT_CHANGE: &[&str] = &["/data/timestamp", "/data/comment"];

/// The rule. Two rules can have the same name.
const RULE: &[&str] = &["/data/triggered_rule", "/data/issue_alert/id"];

/// The event's dedup key: `sentry:<resource>:…`.
pub fn key(delivery: &Delivery<'_>) -> String {
    let payload = Payload::new(&delivery.payload);
    let parts = match identity(delivery, &payload) {
        Some(parts) => parts.join(":"),
        // No part identifies it.
        None => body(delivery),
    };
    format!("{}:{}:{parts}", Sentry::ID, part(&delivery.resource))
}

fn identity(delivery: &Delivery<'_>, payload: &Payload<'_>) -> Option<Vec<String>> {
    let id = |pointer: &str| id(payload, pointer);
    let action = payload.raw("/action").map_or_else(String::new, part);
    let optional = |pointer: &str| id(pointer).unwrap_or_else(|| "-".into());
    if delivery.legacy {
        let event = id("/event/event_id").or_else(|| id("/event/id"))?;
        let rules = change(payload, &["/triggering_rules"]);
        return Some(vec![optional("/event/project"), event, rules]);
    }
    match delivery.resource.as_str() {
        "issue" => {
            let install = optional("/installation/uuid");
            let mut parts = vec![install, id("/data/issue/id")?, action];
            // An issue is created once, although its payload may differ between two attempts.
            if payload.raw("/action") != Some("created") {
                parts.push(change(payload, ISSUE_CHANGE));
            }
            Some(parts)
        }
        // A program chooses the id of an event, and may send the event to two projects.
        "event_alert" => {
            let project = optional("/data/event/project");
            let event = id("/data/event/event_id")?;
            Some(vec![project, event, action, change(payload, RULE)])
        }
        "error" => {
            let project = optional("/data/error/project");
            Some(vec![project, id("/data/error/event_id")?, action])
        }
        "metric_alert" => {
            let incident = id("/data/metric_alert/id")?;
            Some(vec![incident, action, change(payload, INCIDENT_CHANGE)])
        }
        "comment" => {
            let comment = id("/data/comment_id")?;
            Some(vec![comment, action, change(payload, COMMENT_CHANGE)])
        }
        "installation" => {
            let uuid = id("/installation/uuid").or_else(|| id("/data/installation/uuid"))?;
            Some(vec![uuid, action])
        }
        // A run can find another solution, or open a second pull request.
        "seer" => Some(vec![id("/data/run_id")?, action, body(delivery)]),
        _ => None,
    }
}

fn id(payload: &Payload<'_>, pointer: &str) -> Option<String> {
    let id = payload.id_opt(pointer).ok()??;
    (!id.is_empty()).then(|| part(&id))
}

/// An id without the separator `:` and of limited length. A hash replaces any other.
fn part(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    if text.len() <= PART_BYTES_MAX && text.bytes().all(is_plain) {
        return text.to_owned();
    }
    Fingerprint::default().part("id", text).hex()
}

fn change(payload: &Payload<'_>, pointers: &[&str]) -> String {
    Fingerprint::default().pointers(payload, pointers).hex()
}

fn body(delivery: &Delivery<'_>) -> String {
    Fingerprint::default().part("body", delivery.body).hex()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_never_contains_the_separator_and_never_grows() {
        assert_eq!(part("a8e5d37a-696c"), "a8e5d37a-696c");
        assert_eq!(part("a:b").len(), 64);
        assert_eq!(part(&"a".repeat(65)).len(), 64);
        assert_ne!(part("a:b"), part("a/b"));
    }

    #[test]
    fn the_longest_parts_make_a_key_within_the_contracts_limit() {
        let long = "x".repeat(90);
        let body = serde_json::json!({
            "action": long, "installation": {"uuid": long},
            "data": {"issue": {"id": long}, "event": {"project": long, "event_id": long}}
        });
        for resource in ["issue", "event_alert", &long] {
            let request = WebhookRequest::for_test(
                &[("sentry-hook-resource", resource)],
                body.to_string().as_bytes(),
            );
            let key = key(&Delivery::read(&request).unwrap());
            assert!(key.len() <= triggerhouse_sdk::limits::DEDUP_KEY_BYTES_MAX);
        }
    }
}
