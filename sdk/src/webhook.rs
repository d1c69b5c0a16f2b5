//! The `webhook` interface: one stored delivery becomes events.

use crate::contract::types::{Event, Header, ParseError, WebhookRequest};

/// Implemented by a provider whose service calls us.
pub trait Webhook {
    /// A pure function of the request.
    ///
    /// # Errors
    /// [`ParseError::Malformed`] makes the delivery a visible dead letter,
    /// [`ParseError::Ignored`] completes it without an event.
    fn parse(request: WebhookRequest) -> Result<Vec<Event>, ParseError>;
}

impl WebhookRequest {
    /// The first value of a header; `name` in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|header| header.name == name)
            .map(|header| header.value.as_str())
    }

    /// The body as JSON.
    ///
    /// # Errors
    /// [`ParseError::Malformed`] with the position, if it is none.
    pub fn json(&self) -> Result<serde_json::Value, ParseError> {
        serde_json::from_slice(&self.body)
            .map_err(|error| ParseError::Malformed(format!("body: expected JSON: {error}")))
    }

    /// A request for a provider's own tests.
    pub fn for_test(headers: &[(&str, &str)], body: &[u8]) -> Self {
        Self {
            headers: headers
                .iter()
                .map(|(name, value)| Header {
                    name: name.to_ascii_lowercase(),
                    value: (*value).into(),
                })
                .collect(),
            query: String::new(),
            body: body.into(),
            received_at: 1_700_000_000_000_000,
            settings: "{}".into(),
        }
    }
}
