//! One delivery: its body as a JSON object, and what identifies it from outside.
//! Knows the transport and nothing of any event.

use serde_json::Value;
use triggerhouse_sdk::prelude::*;

/// A delivery whose transport has been understood.
pub struct Delivery<'a> {
    /// `webhook-id`, which PostHog sends with a signature.
    pub webhook_id: Option<&'a str>,
    /// The bytes of the body, as they came.
    pub bytes: &'a [u8],
    /// Microseconds since 1970; the same for each attempt to parse it.
    pub received_at: u64,
    /// A JSON object.
    pub body: Value,
}

impl<'a> Delivery<'a> {
    /// Reads the transport.
    ///
    /// # Errors
    /// If the body is no JSON object. With the method `GET` PostHog sends none.
    pub fn read(request: &'a WebhookRequest) -> Result<Self, ParseError> {
        let body = request.json()?;
        if !body.is_object() {
            return Err(ParseError::Malformed(
                "body: expected a JSON object".to_owned(),
            ));
        }
        let webhook_id = request.header("webhook-id").map(str::trim);
        Ok(Self {
            webhook_id: webhook_id.filter(|id| !id.is_empty()),
            bytes: &request.body,
            received_at: request.received_at,
            body,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn malformed(body: &str) -> String {
        match Delivery::read(&WebhookRequest::for_test(&[], body.as_bytes())) {
            Err(ParseError::Malformed(text)) => text,
            Err(other) => panic!("{other:?}"),
            Ok(delivery) => panic!("{} was read", delivery.body),
        }
    }

    #[test]
    fn a_body_that_is_no_object_is_malformed() {
        assert_eq!(malformed("[]"), "body: expected a JSON object");
        assert_eq!(malformed(r#""$pageview""#), "body: expected a JSON object");
        assert!(malformed("").starts_with("body: expected JSON: "));
        assert!(malformed(&"[".repeat(100_000)).starts_with("body: expected JSON: "));
    }

    #[test]
    fn an_empty_webhook_id_is_none() {
        let request = WebhookRequest::for_test(&[("webhook-id", "  ")], b"{}");
        assert_eq!(Delivery::read(&request).unwrap().webhook_id, None);
        let request = WebhookRequest::for_test(&[("Webhook-Id", " msg_1")], b"{}");
        assert_eq!(Delivery::read(&request).unwrap().webhook_id, Some("msg_1"));
    }
}
