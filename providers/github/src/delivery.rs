//! One delivery: what its headers say, and its payload as JSON. Knows the
//! transport and nothing of any event.

use crate::facts::Hook;
use serde_json::Value;
use triggerhouse_sdk::prelude::*;

/// GitHub's own names have at most 40 characters.
const EVENT_NAME_BYTES_MAX: usize = 100;
/// What is kept of any other header.
const HEADER_BYTES_MAX: usize = 100;

/// A delivery whose transport has been understood.
pub struct Delivery {
    /// `x-github-event`.
    pub event: String,
    /// `x-github-delivery`, if a proxy has not removed it.
    pub guid: Option<String>,
    /// The webhook that sent it.
    pub hook: Option<Hook>,
    /// The payload, a JSON object.
    pub payload: Value,
}

impl Delivery {
    /// Reads headers and body.
    ///
    /// # Errors
    /// [`ParseError::Malformed`] if the event's name is missing or no name, or
    /// the payload is no JSON object.
    pub fn read(request: &WebhookRequest) -> Result<Self, ParseError> {
        let event = event_name(request.header("x-github-event"))?;
        let payload = payload(request)?;
        if !payload.is_object() {
            return Err(ParseError::Malformed("body: expected a JSON object".into()));
        }
        let header = |name| {
            let value = request.header(name).map(str::trim)?;
            (!value.is_empty()).then(|| shorten(value, HEADER_BYTES_MAX))
        };
        let hook = Hook {
            id: header("x-github-hook-id"),
            target_type: header("x-github-hook-installation-target-type"),
            target_id: header("x-github-hook-installation-target-id"),
        };
        let guid = request.header("x-github-delivery").map(str::trim);
        Ok(Self {
            event,
            guid: guid.filter(|guid| !guid.is_empty()).map(str::to_owned),
            hook: (hook != Hook::default()).then_some(hook),
            payload,
        })
    }
}

/// The body's keys would allow a guess (`issue` …), and would be wrong: a comment
/// carries its issue, a review its pull request.
fn event_name(header: Option<&str>) -> Result<String, ParseError> {
    let malformed = |found: String| {
        let expected = "header x-github-event: expected an event name such as `issues`";
        Err(ParseError::Malformed(format!("{expected}, found {found}")))
    };
    let Some(name) = header.map(str::trim) else {
        return malformed("no such header".into());
    };
    let is_name = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    if name.is_empty() || name.len() > EVENT_NAME_BYTES_MAX || !name.bytes().all(is_name) {
        return malformed(format!("`{}`", shorten(name, EVENT_NAME_BYTES_MAX)));
    }
    Ok(name.to_owned())
}

/// A webhook's content type is its owner's choice: JSON, or a form whose field
/// `payload` holds the JSON.
fn payload(request: &WebhookRequest) -> Result<Value, ParseError> {
    let content_type = request.header("content-type").unwrap_or_default();
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return request.json();
    }
    let field = form_urlencoded::parse(&request.body).find(|(name, _)| name == "payload");
    let Some((_, json)) = field else {
        return Err(ParseError::Malformed(
            "body: expected a form with a field `payload`".into(),
        ));
    };
    serde_json::from_str(&json).map_err(|error| {
        ParseError::Malformed(format!(
            "body: form field `payload`: expected JSON: {error}"
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn malformed(headers: &[(&str, &str)], body: &str) -> String {
        match Delivery::read(&WebhookRequest::for_test(headers, body.as_bytes())) {
            Err(ParseError::Malformed(text)) => text,
            Err(other) => panic!("{other:?}"),
            Ok(delivery) => panic!("{} was read", delivery.event),
        }
    }

    #[test]
    fn a_missing_event_header_is_malformed_and_never_guessed() {
        let text = malformed(&[], r#"{"action": "opened", "issue": {"number": 1}}"#);
        assert_eq!(
            text,
            "header x-github-event: expected an event name such as `issues`, found no such header"
        );
    }

    #[test]
    fn an_event_header_that_is_no_name_is_malformed() {
        assert!(malformed(&[("X-GitHub-Event", "Issues!")], "{}").ends_with("found `Issues!`"));
        assert!(malformed(&[("X-GitHub-Event", "  ")], "{}").ends_with("found ``"));
        assert!(malformed(&[("X-GitHub-Event", &"é".repeat(200))], "{}").contains('…'));
    }

    #[test]
    fn a_form_body_carries_its_json_in_payload() {
        let form = (
            "content-type",
            "application/x-www-form-urlencoded; charset=utf-8",
        );
        let headers = [form, ("x-github-event", "star"), ("x-github-hook-id", "7")];
        let body = b"payload=%7B%22action%22%3A+%22created%22%2C+%22t%22%3A+%22a%26b%22%7D";
        let delivery = Delivery::read(&WebhookRequest::for_test(&headers, body)).unwrap();
        assert_eq!(
            delivery.payload,
            serde_json::json!({"action": "created", "t": "a&b"})
        );
        assert_eq!(delivery.hook.unwrap().id.unwrap(), "7");
        assert!(malformed(&headers, "other=1").contains("a field `payload`"));
        assert!(malformed(&headers, "payload=%7B").contains("expected JSON"));
    }

    #[test]
    fn any_other_content_type_is_tried_as_json() {
        for content_type in ["application/json", "text/plain", "application/vnd.x+json"] {
            let headers = [("content-type", content_type), ("x-github-event", "star")];
            assert!(Delivery::read(&WebhookRequest::for_test(&headers, b"{}")).is_ok());
        }
    }

    #[test]
    fn a_body_that_is_no_object_is_malformed() {
        let headers = [("x-github-event", "star")];
        assert_eq!(malformed(&headers, "[]"), "body: expected a JSON object");
        assert!(malformed(&headers, "").starts_with("body: expected JSON"));
        let deep = "[".repeat(100_000);
        assert!(malformed(&headers, &deep).starts_with("body: expected JSON"));
    }
}
