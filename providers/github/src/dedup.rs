//! The identity of an occurrence.
//!
//! GitHub gives each occurrence a GUID. Every webhook that subscribes to it receives the same
//! GUID, and a redelivery keeps it. If a proxy drops that header, the key is a hash of the
//! payload: equal for equal payloads, and different for different ids,
//! dates or hashes.

use crate::GitHub;
use crate::delivery::Delivery;
use triggerhouse_sdk::prelude::*;

/// The pointers to ids, times and hashes. The event decides which of them are present, so one
/// list serves all families.
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

/// True for a part that differs between two changes of the same thing.
fn tells_changes_apart(pointer: &str) -> bool {
    pointer.ends_with("_at") || pointer.ends_with("/run_attempt") || pointer == "/after"
}

/// The event's dedup key.
pub fn key(delivery: &Delivery) -> String {
    match &delivery.guid {
        Some(guid) => dedup_key(GitHub::ID, "guid", guid),
        None => dedup_key(GitHub::ID, "hash", &fallback(delivery)),
    }
}

fn fallback(delivery: &Delivery) -> String {
    let payload = Payload::new(&delivery.payload);
    let identity = Fingerprint::default()
        .part("event", &delivery.event)
        .pointers(&payload, IDENTITY);
    let is_present = |pointer: &&str| tells_changes_apart(pointer) && payload.has(pointer);
    if IDENTITY.iter().any(is_present) {
        return identity.hex();
    }
    // Two edits of a label, for example, differ in the label alone.
    identity.part("payload", delivery.payload.to_string()).hex()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

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
    fn the_guid_of_the_delivery_is_the_key() {
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
