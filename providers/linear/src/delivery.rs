//! One delivery: its id and its payload as JSON. Knows the transport and nothing
//! of any event.

use serde_json::Value;
use triggerhouse_sdk::prelude::*;

/// A delivery whose transport has been understood.
pub struct Delivery {
    /// `linear-delivery`, if a proxy has not removed it.
    pub id: Option<String>,
    /// The payload, a JSON object.
    pub payload: Value,
}

impl Delivery {
    /// Reads headers and body.
    ///
    /// # Errors
    /// [`ParseError::Malformed`] if the payload is no JSON object.
    pub fn read(request: &WebhookRequest) -> Result<Self, ParseError> {
        let payload = request.json()?;
        if !payload.is_object() {
            return Err(ParseError::Malformed("body: expected a JSON object".into()));
        }
        let id = request.header("linear-delivery").map(str::trim);
        Ok(Self {
            id: id.filter(|id| !id.is_empty()).map(str::to_owned),
            payload,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(headers: &[(&str, &str)], body: &str) -> Result<Delivery, ParseError> {
        Delivery::read(&WebhookRequest::for_test(headers, body.as_bytes()))
    }

    #[test]
    fn a_body_that_is_no_object_is_malformed() {
        let malformed = |body: &str| match read(&[], body) {
            Err(ParseError::Malformed(text)) => text,
            _ => panic!("{body} was read"),
        };
        assert_eq!(malformed("[]"), "body: expected a JSON object");
        assert!(malformed("").starts_with("body: expected JSON"));
        assert!(malformed(&"[".repeat(100_000)).starts_with("body: expected JSON"));
    }

    #[test]
    fn an_empty_delivery_id_is_none() {
        let id = |value| read(&[("Linear-Delivery", value)], "{}").unwrap().id;
        assert_eq!(id(" a-b ").as_deref(), Some("a-b"));
        assert_eq!(id("  "), None);
        assert_eq!(read(&[], "{}").unwrap().id, None);
    }
}
