//! The identity of an occurrence.
//!
//! A signed delivery carries an id that PostHog mints for each call of a destination and
//! repeats with each attempt. Without that id, the event's UUID is the identity. Two
//! destinations are two rules of their owner, and each may want a run for the same event. So
//! if the body names its destination, the destination is part of the key. If it does not, both
//! deliveries are one occurrence: two indistinguishable rules get one run, because a second run
//! for one event is worse.

use crate::PostHog;
use triggerhouse_sdk::prelude::*;

/// Digits of the hash of a destination: enough to keep the destinations of one event apart.
const RULE_DIGITS: usize = 16;
/// Equal messages within this time are one occurrence. Older senders give a message neither id
/// nor time.
const MESSAGE_WINDOW_US: u64 = 60_000_000;

/// The values of a body that identify it, uncut.
#[derive(Default)]
pub struct Identity<'a> {
    /// The event's UUID, or the value that a template puts in its place.
    pub uuid: Option<String>,
    /// The destination or hook that sent it.
    pub rule: Option<String>,
    /// The event's name.
    pub event: &'a str,
    /// The id of the person or thing.
    pub distinct_id: Option<String>,
    /// The time of the event, as it is written.
    pub timestamp: Option<String>,
}

/// The event's dedup key.
pub fn key(request: &WebhookRequest, identity: &Identity<'_>) -> String {
    if let Some(id) = request.trimmed_header("webhook-id") {
        return dedup_key(PostHog::ID, "webhook-id", id);
    }
    let rule = identity.rule.as_deref();
    if let Some(uuid) = &identity.uuid {
        let key = dedup_key(PostHog::ID, "uuid", uuid);
        return format!("{key}{}", rule.map(rule_suffix).unwrap_or_default());
    }
    let fingerprint = Fingerprint::default().part("rule", rule.unwrap_or_default());
    let fingerprint = match (&identity.distinct_id, &identity.timestamp) {
        (Some(distinct_id), Some(timestamp)) => fingerprint
            .part("event", identity.event)
            .part("distinct_id", distinct_id)
            .part("timestamp", timestamp),
        // Without a time or an id, the name alone would make all later events one occurrence.
        _ => {
            let window = request.received_at / MESSAGE_WINDOW_US;
            fingerprint
                .part("body", &request.body)
                .part("window", window.to_be_bytes())
        }
    };
    dedup_key(PostHog::ID, "hash", &fingerprint.hex())
}

fn rule_suffix(rule: &str) -> String {
    let digits = Fingerprint::default().part("rule", rule).hex();
    // Each hexadecimal digit is one byte.
    format!(":{}", digits.get(..RULE_DIGITS).unwrap_or(&digits))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delivery(webhook_id: Option<&str>, received_at: u64) -> WebhookRequest {
        let headers: Vec<_> = webhook_id.iter().map(|id| ("webhook-id", *id)).collect();
        WebhookRequest {
            received_at,
            ..WebhookRequest::for_test(&headers, b"{}")
        }
    }

    fn text(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    #[test]
    fn the_id_of_a_signed_delivery_takes_precedence_over_the_body() {
        let identity = Identity {
            uuid: text("u-1"),
            ..Identity::default()
        };
        let signed = key(&delivery(Some("msg_1"), 0), &identity);
        assert_eq!(signed, "posthog:msg_1");
        let long = key(&delivery(Some(&"é".repeat(500)), 0), &identity);
        assert_eq!(long.len(), "posthog:".len() + 64);
    }

    #[test]
    fn two_destinations_of_one_event_have_two_keys_if_the_body_names_them() {
        let of = |rule: Option<&str>| {
            let identity = Identity {
                uuid: text("u-1"),
                rule: rule.map(str::to_owned),
                ..Identity::default()
            };
            key(&delivery(None, 0), &identity)
        };
        assert_eq!(of(None), "posthog:u-1");
        assert!(of(Some("a")).starts_with("posthog:u-1:"));
        assert_eq!(of(Some("a")), of(Some("a")));
        assert_ne!(of(Some("a")), of(Some("b")));
        assert_eq!(of(Some("a")).len(), "posthog:u-1:".len() + RULE_DIGITS);
    }

    #[test]
    fn without_a_uuid_name_person_and_time_are_the_identity() {
        let of = |event: &'static str, distinct_id: &str, timestamp: &str, received_at: u64| {
            let identity = Identity {
                event,
                distinct_id: text(distinct_id),
                timestamp: text(timestamp),
                ..Identity::default()
            };
            key(&delivery(None, received_at), &identity)
        };
        let one = of("a", "b", "c", 0);
        assert_eq!(one, of("a", "b", "c", 3_600_000_000));
        for other in [
            of("x", "b", "c", 0),
            of("a", "x", "c", 0),
            of("a", "b", "x", 0),
        ] {
            assert_ne!(one, other);
        }
    }

    #[test]
    fn equal_bodies_without_uuid_and_time_share_a_key_within_a_minute() {
        let of = |received_at: u64| {
            let identity = Identity {
                event: "signup",
                distinct_id: text("7"),
                ..Identity::default()
            };
            key(&delivery(None, received_at), &identity)
        };
        assert_eq!(of(60_000_000), of(119_999_999));
        assert_ne!(of(59_999_999), of(60_000_000));
    }
}
