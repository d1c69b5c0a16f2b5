//! What makes two deliveries the same occurrence.
//!
//! Linear gives each payload a UUID, in the `linear-delivery` header. Only if a
//! proxy has lost that header is an identity made from the payload: equal when the
//! payload is sent again, and different for each change of each thing. The time of
//! sending and the subscription are no part of it.

use crate::delivery::Delivery;
use serde_json::Value;
use triggerhouse_sdk::Fingerprint;

/// Linear sends 36 characters. The contract's limit is 512 bytes for the key.
const ID_BYTES_MAX: usize = 200;

/// Where payloads carry identity. Which of these are present follows from the
/// type, so the list needs no division by family.
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
    // The previous values: what tells two updates in the same millisecond apart.
    "/updatedFrom",
    "/addedTeamIds",
    "/removedTeamIds",
];

/// Whether a part tells one change of a thing from the next. Without any, only the
/// whole payload does.
fn tells_changes_apart(pointer: &str) -> bool {
    matches!(
        pointer,
        "/createdAt" | "/data/updatedAt" | "/notification/id" | "/agentActivity/id"
    )
}

/// What differs when the same payload is sent again, or by another subscription.
const NO_IDENTITY: [&str; 2] = ["webhookTimestamp", "webhookId"];

/// The event's dedup key.
pub fn key(delivery: &Delivery) -> String {
    match &delivery.id {
        Some(id) if id.len() <= ID_BYTES_MAX => format!("linear:{id}"),
        Some(id) => format!("linear:{}", Fingerprint::default().part("id", id).hex()),
        None => format!("linear:{}", fallback(&delivery.payload)),
    }
}

fn fallback(payload: &Value) -> String {
    let mut identity = Fingerprint::default();
    let mut identified = false;
    for pointer in IDENTITY {
        let part = match payload.pointer(pointer) {
            None | Some(Value::Null) => continue,
            Some(Value::String(text)) => text.clone(),
            Some(value) => value.to_string(),
        };
        identified |= tells_changes_apart(pointer);
        identity = identity.part(pointer, part);
    }
    if !identified {
        for (key, value) in payload.as_object().into_iter().flatten() {
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
    use serde_json::json;

    fn key_of(id: Option<&str>, payload: Value) -> String {
        key(&Delivery {
            id: id.map(str::to_owned),
            payload,
        })
    }

    #[test]
    fn the_delivery_header_is_the_key() {
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
        // Also where nothing in the payload dates it.
        let undated = |at: u64| json!({"type": "X", "action": "y", "n": 1, "webhookTimestamp": at});
        assert_eq!(key_of(None, undated(1)), key_of(None, undated(2)));
    }

    #[test]
    fn without_the_header_two_updates_of_one_issue_never_share_a_key() {
        // The seed's key was `linear:<id>:update`: one update of an issue, for ever.
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
