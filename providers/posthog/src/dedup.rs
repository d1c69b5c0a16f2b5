//! What makes two deliveries the same occurrence.
//!
//! A signed delivery carries an id that PostHog minted for this call of this
//! destination, and repeats with each attempt. Without it the event's own UUID is
//! the identity; and since two destinations are two rules of their owner, each may
//! want a run for the same event: where the body names its destination, that is part
//! of the key. Where it does not, both deliveries are one occurrence, because a second
//! run for one event is worse than none for a second rule that nobody can tell apart.

use crate::delivery::Delivery;
use triggerhouse_sdk::Fingerprint;

/// PostHog sends some 40 characters. The contract's limit is 512 bytes for the key.
const ID_BYTES_MAX: usize = 200;
/// Of the hash of a destination: enough that two of one event do not collide.
const RULE_DIGITS: usize = 16;
/// Older senders give a message neither id nor time, so equal ones are told apart by
/// the minute of their arrival.
const MESSAGE_WINDOW_US: u64 = 60_000_000;

/// What a body says about its identity, uncut.
#[derive(Default)]
pub struct Identity<'a> {
    /// The event's UUID, or what a template put in its place.
    pub uuid: Option<String>,
    /// The destination or hook that sent it.
    pub rule: Option<String>,
    /// The event's name.
    pub event: &'a str,
    /// Whose event it is.
    pub distinct_id: Option<String>,
    /// When it happened, as it is written.
    pub timestamp: Option<String>,
}

/// The event's dedup key.
pub fn key(delivery: &Delivery<'_>, identity: &Identity<'_>) -> String {
    if let Some(id) = delivery.webhook_id {
        return format!("posthog:{}", bounded("webhook-id", id));
    }
    let rule = identity.rule.as_deref();
    if let Some(uuid) = &identity.uuid {
        let suffix = rule.map(rule_suffix).unwrap_or_default();
        return format!("posthog:{}{suffix}", bounded("uuid", uuid));
    }
    let fingerprint = Fingerprint::default().part("rule", rule.unwrap_or_default());
    let fingerprint = match (&identity.distinct_id, &identity.timestamp) {
        (Some(distinct_id), Some(timestamp)) => fingerprint
            .part("event", identity.event)
            .part("distinct_id", distinct_id)
            .part("timestamp", timestamp),
        // Without a time, or without somebody, the event's name would be the same for
        // ever after.
        _ => {
            let window = delivery.received_at / MESSAGE_WINDOW_US;
            fingerprint
                .part("body", delivery.bytes)
                .part("window", window.to_be_bytes())
        }
    };
    format!("posthog:{}", fingerprint.hex())
}

fn bounded(name: &str, id: &str) -> String {
    if id.len() <= ID_BYTES_MAX {
        return id.to_owned();
    }
    Fingerprint::default().part(name, id).hex()
}

fn rule_suffix(rule: &str) -> String {
    let digits = Fingerprint::default().part("rule", rule).hex();
    // Hexadecimal digits: any byte is a character's end.
    format!(":{}", digits.get(..RULE_DIGITS).unwrap_or(&digits))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    fn delivery(webhook_id: Option<&'static str>, received_at: u64) -> Delivery<'static> {
        Delivery {
            webhook_id,
            bytes: b"{}",
            received_at,
            body: Value::Null,
        }
    }

    fn text(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    #[test]
    fn the_id_of_a_signed_delivery_is_the_key_whatever_the_body_says() {
        let identity = Identity {
            uuid: text("u-1"),
            ..Identity::default()
        };
        let signed = key(&delivery(Some("msg_1"), 0), &identity);
        assert_eq!(signed, "posthog:msg_1");
        let long: &'static str = Box::leak("é".repeat(500).into_boxed_str());
        let long = key(&delivery(Some(long), 0), &identity);
        assert_eq!(long.len(), "posthog:".len() + 64);
    }

    #[test]
    fn two_destinations_of_one_event_have_two_keys_where_the_body_names_them() {
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
    fn what_has_neither_uuid_nor_time_is_told_apart_by_the_minute_of_its_arrival() {
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
