//! One delivery: its headers, and its payload as JSON. Knows the transport and no event.

use crate::facts::Hook;
use serde_json::Value;
use triggerhouse_sdk::known;
use triggerhouse_sdk::prelude::*;

/// Bytes kept of a header that describes the webhook.
const HEADER_BYTES_MAX: usize = 100;

/// A delivery whose transport is understood.
pub struct Delivery {
    /// `x-github-event`.
    pub event: String,
    /// `x-github-delivery`, unless a proxy removed it.
    pub guid: Option<String>,
    /// The webhook that sent it.
    pub hook: Option<Hook>,
    /// The payload, a JSON object.
    pub payload: Value,
}

impl Delivery {
    /// Reads headers and body. Never guesses the event from the body's keys: a comment
    /// carries its issue, and a review its pull request.
    ///
    /// # Errors
    /// [`ParseError::Malformed`] if the event's name is missing or not a name, or the payload
    /// is not a JSON object.
    pub fn read(request: &WebhookRequest) -> Result<Self, ParseError> {
        let expected = "an event name such as `issues`";
        let event = request.name_header("x-github-event", expected)?.to_owned();
        let header = |name| {
            let value = request.trimmed_header(name)?;
            Some(shorten(value, HEADER_BYTES_MAX))
        };
        Ok(Self {
            event,
            guid: request
                .trimmed_header("x-github-delivery")
                .map(str::to_owned),
            hook: known(Hook {
                id: header("x-github-hook-id"),
                target_type: header("x-github-hook-installation-target-type"),
                target_id: header("x-github-hook-installation-target-id"),
            }),
            payload: payload(request)?,
        })
    }
}

/// The owner of a webhook chooses its content type: JSON, or a form whose field `payload`
/// holds the JSON.
fn payload(request: &WebhookRequest) -> Result<Value, ParseError> {
    let content_type = request.header("content-type").unwrap_or_default();
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return request.object();
    }
    let malformed = |text: String| ParseError::Malformed(format!("body: {text}"));
    let mut fields = form_urlencoded::parse(&request.body);
    let (_, json) = fields
        .find(|(name, _)| name == "payload")
        .ok_or_else(|| malformed("expected a form with a field `payload`".into()))?;
    let payload: Value = serde_json::from_str(&json)
        .map_err(|error| malformed(format!("form field `payload`: expected JSON: {error}")))?;
    if !payload.is_object() {
        return Err(malformed("expected a JSON object".into()));
    }
    Ok(payload)
}

#[cfg(test)]
mod tests {
    use super::*;
    use triggerhouse_sdk::testing;

    fn malformed(headers: &[(&str, &str)], body: &str) -> String {
        testing::malformed::<crate::GitHub>(WebhookRequest::for_test(headers, body.as_bytes()))
    }

    #[test]
    fn a_missing_event_header_is_malformed_and_never_guessed() {
        let text = malformed(&[], r#"{"action": "opened", "issue": {"number": 1}}"#);
        assert_eq!(
            text,
            "header x-github-event: expected an event name such as `issues`, found no such header"
        );
        assert!(malformed(&[("X-GitHub-Event", "Issues!")], "{}").ends_with("found `Issues!`"));
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
        assert!(malformed(&headers, "payload=%5B%5D").contains("expected a JSON object"));
    }

    #[test]
    fn any_other_content_type_is_read_as_json() {
        for content_type in ["application/json", "text/plain", "application/vnd.x+json"] {
            let headers = [("content-type", content_type), ("x-github-event", "star")];
            assert!(Delivery::read(&WebhookRequest::for_test(&headers, b"{}")).is_ok());
            let text = malformed(&headers, "[]");
            assert_eq!(text, "body: expected a JSON object");
        }
    }
}
