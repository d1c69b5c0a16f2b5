//! What makes two deliveries the same occurrence.
//!
//! GitHub gives each occurrence a GUID, which every webhook subscribed to it
//! receives and which a redelivery keeps. Only if a proxy has lost that header
//! is an identity made from the payload: equal for equal payloads, and different
//! for whatever GitHub numbers, dates or hashes.

use crate::delivery::Delivery;
use serde_json::Value;
use triggerhouse_sdk::Fingerprint;

/// GitHub sends 36 characters. The contract's limit is 512 bytes for the key.
const GUID_BYTES_MAX: usize = 200;

/// Where payloads carry identity. Which of these are present follows from the
/// event, so the list needs no division by family.
const IDENTITY: &[&str] = &[
    "/action",
    "/repository/id",
    "/organization/id",
    "/installation/id",
    "/sender/id",
    "/issue/id",
    "/issue/updated_at",
    "/pull_request/id",
    "/pull_request/updated_at",
    "/discussion/id",
    "/discussion/updated_at",
    "/comment/id",
    "/comment/updated_at",
    "/review/id",
    "/review/submitted_at",
    "/review/state",
    "/thread/node_id",
    "/label/id",
    "/label/name",
    "/assignee/id",
    "/milestone/id",
    "/milestone/updated_at",
    "/requested_reviewer/id",
    "/requested_team/id",
    "/ref",
    "/before",
    "/after",
    "/check_run/id",
    "/check_run/status",
    "/check_run/completed_at",
    "/check_suite/id",
    "/check_suite/updated_at",
    "/workflow_run/id",
    "/workflow_run/run_attempt",
    "/workflow_run/updated_at",
    "/workflow_job/id",
    "/workflow_job/run_attempt",
    "/workflow_job/status",
    "/workflow_job/completed_at",
    "/deployment/id",
    "/deployment/updated_at",
    "/deployment_status/id",
    "/deployment_status/updated_at",
    "/release/id",
    "/release/updated_at",
    "/release/published_at",
    "/alert/number",
    "/alert/updated_at",
    "/id",
    "/sha",
    "/updated_at",
];

/// Whether a part tells one change of a thing from the next. Without any, as for
/// a label edited twice, only the whole payload does.
fn tells_changes_apart(pointer: &str) -> bool {
    pointer.ends_with("_at") || pointer.ends_with("/run_attempt") || pointer == "/after"
}

/// The event's dedup key.
pub fn key(delivery: &Delivery) -> String {
    match &delivery.guid {
        Some(guid) if guid.len() <= GUID_BYTES_MAX => format!("github:{guid}"),
        Some(guid) => format!("github:{}", Fingerprint::default().part("guid", guid).hex()),
        None => format!("github:{}", fallback(delivery)),
    }
}

fn fallback(delivery: &Delivery) -> String {
    let mut identity = Fingerprint::default().part("event", &delivery.event);
    let mut identified = false;
    for pointer in IDENTITY {
        let text = match delivery.payload.pointer(pointer) {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Number(number)) => number.to_string(),
            _ => continue,
        };
        identified |= tells_changes_apart(pointer);
        identity = identity.part(pointer, text);
    }
    if !identified {
        identity = identity.part("payload", delivery.payload.to_string());
    }
    identity.hex()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn delivery(guid: Option<&str>, event: &str, payload: Value) -> Delivery {
        Delivery {
            event: event.into(),
            guid: guid.map(str::to_owned),
            hook: None,
            payload,
        }
    }

    fn fallback_key(event: &str, payload: Value) -> String {
        key(&delivery(None, event, payload))
    }

    #[test]
    fn the_delivery_guid_is_the_key() {
        let guid = "72d3162e-cc78-11e3-81ab-4c9367dc0958";
        assert_eq!(
            key(&delivery(Some(guid), "push", json!({}))),
            format!("github:{guid}")
        );
        let long = key(&delivery(Some(&"x".repeat(9_000)), "push", json!({})));
        assert_eq!(long.len(), "github:".len() + 64);
    }

    #[test]
    fn without_the_header_the_same_payload_has_the_same_key() {
        let payload =
            json!({"action": "edited", "issue": {"id": 1, "updated_at": "2026-01-01T00:00:00Z"}});
        let key = fallback_key("issues", payload.clone());
        assert_eq!(key, fallback_key("issues", payload.clone()));
        assert!(key.starts_with("github:") && key.len() == "github:".len() + 64);
        assert_ne!(key, fallback_key("issue_comment", payload));
    }

    #[test]
    fn without_the_header_each_edit_comment_push_and_attempt_has_its_own_key() {
        let pairs = [
            (
                json!({"issue": {"id": 1, "updated_at": "a"}}),
                json!({"issue": {"id": 1, "updated_at": "b"}}),
            ),
            (
                json!({"issue": {"id": 1}, "comment": {"id": 1}}),
                json!({"issue": {"id": 1}, "comment": {"id": 2}}),
            ),
            (
                json!({"issue": {"id": 1}, "action": "labeled"}),
                json!({"issue": {"id": 1}, "action": "opened"}),
            ),
            (
                json!({"after": "a", "ref": "r"}),
                json!({"after": "b", "ref": "r"}),
            ),
            (
                json!({"workflow_run": {"id": 1, "run_attempt": 1}}),
                json!({"workflow_run": {"id": 1, "run_attempt": 2}}),
            ),
            (json!({"anything": "else"}), json!({"anything": "new"})),
            (
                json!({"label": {"id": 1, "color": "a"}}),
                json!({"label": {"id": 1, "color": "b"}}),
            ),
        ];
        for (one, other) in pairs {
            assert_ne!(
                fallback_key("e", one.clone()),
                fallback_key("e", other),
                "{one}"
            );
        }
    }
}
