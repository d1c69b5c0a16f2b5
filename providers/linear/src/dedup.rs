//! The identity of an occurrence.
//!
//! Linear gives each payload a UUID, in the `linear-delivery` header. If a proxy drops that
//! header, the key is a hash of the payload: equal when Linear sends the payload again, and
//! different for each change of each thing. The time of sending and the subscription do not
//! count.

use crate::Linear;
use triggerhouse_sdk::prelude::*;

/// The pointers to ids, times and changes. The type decides which of them are present, so one
/// list serves all families.
const IDENTITY: &[&str] = &[
    "/organizationId",
    "/type",
    "/action",
    "/createdAt",
    "/oauthClientId",
    "/appUserId",
    "/userId",
    "/data/id",
    "/data/updatedAt",
    "/data/createdAt",
    "/issueData/id",
    "/issueData/updatedAt",
    "/notification/id",
    "/notification/createdAt",
    "/agentSession/id",
    "/agentSession/createdAt",
    "/agentActivity/id",
    // The previous values, which differ between two updates in the same millisecond.
    "/updatedFrom",
    "/addedTeamIds",
    "/removedTeamIds",
];

/// The parts that differ between two changes of the same thing. A payload without any of them
/// is identified by all of its values.
const CHANGE: &[&str] = &[
    "/createdAt",
    "/data/updatedAt",
    "/notification/id",
    "/agentActivity/id",
];

/// The values that differ when Linear sends the same payload again, or for another
/// subscription.
const NO_IDENTITY: [&str; 2] = ["webhookTimestamp", "webhookId"];

/// The event's dedup key. `id` is the value of the header.
pub fn key(id: Option<&str>, payload: &Payload<'_>) -> String {
    match id {
        Some(id) => dedup_key(Linear::ID, "id", id),
        None => dedup_key(Linear::ID, "hash", &fallback(payload)),
    }
}

fn fallback(payload: &Payload<'_>) -> String {
    let mut identity = Fingerprint::default().pointers(payload, IDENTITY);
    if !CHANGE.iter().any(|pointer| payload.has(pointer)) {
        for (key, value) in payload.value().as_object().into_iter().flatten() {
            if !NO_IDENTITY.contains(&key.as_str()) {
                identity = identity.part(key, value.to_string());
            }
        }
    }
    identity.hex()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn key_of(id: Option<&str>, payload: Value) -> String {
        key(id, &Payload::new(&payload))
    }

    #[test]
    fn the_header_of_the_delivery_is_the_key() {
        let id = "234d1a4e-b617-4388-90fe-adc3633d6b72";
        assert_eq!(key_of(Some(id), json!({})), format!("linear:{id}"));
        let long = key_of(Some(&"x".repeat(9_000)), json!({}));
        assert_eq!(long.len(), "linear:".len() + 64);
    }

    #[test]
    fn without_the_header_a_payload_sent_again_has_the_same_key() {
        let sent = |at: u64, webhook: &str| {
            json!({
                "organizationId": "o", "type": "Issue", "action": "update",
                "data": {"id": "1", "updatedAt": "2026-01-01T00:00:00.000Z"},
                "webhookTimestamp": at, "webhookId": webhook
            })
        };
        let first = key_of(None, sent(1, "a"));
        assert_eq!(first, key_of(None, sent(60_001, "b")));
        assert_eq!(first.len(), "linear:".len() + 64);
        // Also if nothing in the payload dates it.
        let undated = |at: u64| json!({"type": "X", "action": "y", "n": 1, "webhookTimestamp": at});
        assert_eq!(key_of(None, undated(1)), key_of(None, undated(2)));
    }

    #[test]
    fn without_the_header_two_updates_of_one_issue_never_share_a_key() {
        let update = |data: Value, from: Value| {
            json!({"organizationId": "o", "type": "Issue", "action": "update",
                   "data": data, "updatedFrom": from})
        };
        let pairs = [
            (
                update(json!({"id": "1", "updatedAt": "a"}), json!({})),
                update(json!({"id": "1", "updatedAt": "b"}), json!({})),
            ),
            (
                update(json!({"id": "1", "updatedAt": "a"}), json!({"title": "x"})),
                update(
                    json!({"id": "1", "updatedAt": "a"}),
                    json!({"stateId": "x"}),
                ),
            ),
            (
                update(json!({"id": "1", "title": "x"}), Value::Null),
                update(json!({"id": "1", "title": "y"}), Value::Null),
            ),
            (
                json!({"type": "Issue", "createdAt": "a", "data": {"id": "1"}}),
                json!({"type": "Comment", "createdAt": "a", "data": {"id": "1"}}),
            ),
            (
                json!({"agentSession": {"id": "s"}, "agentActivity": {"id": "1"}}),
                json!({"agentSession": {"id": "s"}, "agentActivity": {"id": "2"}}),
            ),
            (
                json!({"createdAt": "a", "addedTeamIds": ["1"]}),
                json!({"createdAt": "a", "addedTeamIds": ["2"]}),
            ),
            (
                json!({"agentSession": {"id": "s"}, "action": "prompted", "text": "a"}),
                json!({"agentSession": {"id": "s"}, "action": "prompted", "text": "b"}),
            ),
        ];
        for (one, other) in pairs {
            assert_ne!(key_of(None, one.clone()), key_of(None, other), "{one}");
        }
    }
}
