//! The `webhook` interface: turns one stored delivery into events.

use crate::contract::types::{Event, Header, ParseError, WebhookRequest};
use crate::text::shorten;
use serde_json::Value;

/// Bytes of a service's name for an event. The longest known ones have 50.
const NAME_BYTES_MAX: usize = 100;

/// Implemented by a provider whose service sends webhooks.
pub trait Webhook {
    /// Parses a delivery: a pure function of the request.
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

    /// The same without surrounding blanks. A blank value is `None`.
    pub fn trimmed_header(&self, name: &str) -> Option<&str> {
        let value = self.header(name).map(str::trim);
        value.filter(|value| !value.is_empty())
    }

    /// The header that names the event: 1 to 100 of `a-z`, `0-9` and `_`. `expected`
    /// describes it in errors: "an event name such as `issues`".
    ///
    /// # Errors
    /// [`ParseError::Malformed`] if the header is missing, or its value is not such a name.
    pub fn name_header(&self, name: &str, expected: &str) -> Result<&str, ParseError> {
        let missing = || no_name(name, expected, "no such header");
        self.name_header_opt(name, expected)?.ok_or_else(missing)
    }

    /// The same for a header that may be missing.
    ///
    /// # Errors
    /// [`ParseError::Malformed`] if its value is not such a name.
    pub fn name_header_opt(&self, name: &str, expected: &str) -> Result<Option<&str>, ParseError> {
        let Some(value) = self.header(name).map(str::trim) else {
            return Ok(None);
        };
        let is_name = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        if value.is_empty() || value.len() > NAME_BYTES_MAX || !value.bytes().all(is_name) {
            let found = format!("`{}`", shorten(value, NAME_BYTES_MAX));
            return Err(no_name(name, expected, &found));
        }
        Ok(Some(value))
    }

    /// The body as JSON.
    ///
    /// # Errors
    /// [`ParseError::Malformed`], with the position of the error.
    pub fn json(&self) -> Result<Value, ParseError> {
        serde_json::from_slice(&self.body)
            .map_err(|error| ParseError::Malformed(format!("body: expected JSON: {error}")))
    }

    /// The body as a JSON object.
    ///
    /// # Errors
    /// [`ParseError::Malformed`] if it is another value or not JSON.
    pub fn object(&self) -> Result<Value, ParseError> {
        let body = self.json()?;
        if !body.is_object() {
            return Err(ParseError::Malformed("body: expected a JSON object".into()));
        }
        Ok(body)
    }

    /// A request for a provider's tests.
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

fn no_name(header: &str, expected: &str, found: &str) -> ParseError {
    ParseError::Malformed(format!(
        "header {header}: expected {expected}, found {found}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn malformed<T: std::fmt::Debug>(result: Result<T, ParseError>) -> String {
        match result {
            Err(ParseError::Malformed(text)) => text,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_body_that_is_not_an_object_is_malformed() {
        let read = |body: &str| malformed(WebhookRequest::for_test(&[], body.as_bytes()).object());
        assert_eq!(read("[]"), "body: expected a JSON object");
        assert_eq!(read(r#""text""#), "body: expected a JSON object");
        assert!(read("").starts_with("body: expected JSON: "));
        assert!(read(&"[".repeat(100_000)).starts_with("body: expected JSON: "));
    }

    #[test]
    fn a_header_that_is_missing_or_not_a_name_is_malformed() {
        let read = |headers: &[(&str, &str)]| {
            let request = WebhookRequest::for_test(headers, b"{}");
            malformed(request.name_header("x-event", "an event such as `rung`"))
        };
        assert_eq!(
            read(&[]),
            "header x-event: expected an event such as `rung`, found no such header"
        );
        assert!(read(&[("X-Event", "Rung!")]).ends_with("found `Rung!`"));
        assert!(read(&[("X-Event", "  ")]).ends_with("found ``"));
        assert!(read(&[("X-Event", &"é".repeat(200))]).contains('…'));
        let request = WebhookRequest::for_test(&[("X-Event", " rung_2 ")], b"{}");
        assert_eq!(request.name_header("x-event", ""), Ok("rung_2"));
        assert_eq!(request.name_header_opt("x-other", ""), Ok(None));
    }

    #[test]
    fn a_blank_header_counts_as_missing() {
        let header = |value| {
            let request = WebhookRequest::for_test(&[("X-Delivery", value)], b"{}");
            request.trimmed_header("x-delivery").map(str::to_owned)
        };
        assert_eq!(header(" a-b ").as_deref(), Some("a-b"));
        assert_eq!(header("  "), None);
    }
}
