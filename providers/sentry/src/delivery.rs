//! One delivery: what its header says, and its payload as JSON. Knows the transport
//! and nothing of any resource, except how to tell the older plugin's body from one
//! that has lost its header.

use serde_json::Value;
use triggerhouse_sdk::prelude::*;

/// Sentry's own names have at most 16 characters.
const RESOURCE_BYTES_MAX: usize = 100;
/// What the older plugin's deliveries are called here, for it has no word for them.
const LEGACY: &str = "legacy";

/// A delivery whose transport has been understood.
pub struct Delivery<'a> {
    /// `sentry-hook-resource`: `issue`. For the older plugin `legacy`.
    pub resource: String,
    /// Whether the older plugin sent it.
    pub legacy: bool,
    /// The exact bytes, which a retry repeats.
    pub body: &'a [u8],
    /// The payload, a JSON object.
    pub payload: Value,
}

impl<'a> Delivery<'a> {
    /// Reads header and body.
    ///
    /// # Errors
    /// [`ParseError::Malformed`] if the resource's name is missing or no name, or
    /// the payload is no JSON object.
    pub fn read(request: &'a WebhookRequest) -> Result<Self, ParseError> {
        let header = request.header("sentry-hook-resource").map(str::trim);
        let named = header.map(resource).transpose()?;
        let payload = request.json()?;
        if !payload.is_object() {
            return Err(ParseError::Malformed("body: expected a JSON object".into()));
        }
        let resource = match named {
            Some(resource) => resource.to_owned(),
            None if is_legacy(&payload) => LEGACY.to_owned(),
            None => return Err(unnamed("no such header")),
        };
        Ok(Self {
            legacy: header.is_none(),
            resource,
            body: &request.body,
            payload,
        })
    }
}

fn resource(name: &str) -> Result<&str, ParseError> {
    let is_name = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    if name.is_empty() || name.len() > RESOURCE_BYTES_MAX || !name.bytes().all(is_name) {
        return Err(unnamed(&format!("`{}`", shorten(name, RESOURCE_BYTES_MAX))));
    }
    Ok(name)
}

fn unnamed(found: &str) -> ParseError {
    ParseError::Malformed(format!(
        "header sentry-hook-resource: expected a resource such as `issue`, found {found}"
    ))
}

/// The shape of the older plugin's body, which has nothing in common with the
/// integration platform's: `{action, installation, data}` without its header is
/// malformed, and never taken for the plugin's.
fn is_legacy(payload: &Value) -> bool {
    let has = |key: &str| payload.get(key).is_some();
    let is_platform = has("action") || has("installation") || has("data");
    !is_platform && has("project_slug") && payload.get("event").is_some_and(Value::is_object)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn malformed(headers: &[(&str, &str)], body: &str) -> String {
        match Delivery::read(&WebhookRequest::for_test(headers, body.as_bytes())) {
            Err(ParseError::Malformed(text)) => text,
            Err(other) => panic!("{other:?}"),
            Ok(delivery) => panic!("{} was read", delivery.resource),
        }
    }

    #[test]
    fn a_missing_resource_header_is_malformed_and_never_guessed() {
        for body in [
            r#"{"action": "created", "installation": {}, "data": {"issue": {"id": "1"}}}"#,
            r#"{"action": "triggered", "project_slug": "a", "event": {}}"#,
            r#"{"data": {}, "project_slug": "a", "event": {}}"#,
            r#"{"project_slug": "a", "event": "x"}"#,
            "{}",
        ] {
            assert_eq!(
                malformed(&[], body),
                "header sentry-hook-resource: expected a resource such as `issue`, found no such header"
            );
        }
    }

    #[test]
    fn a_resource_header_that_is_no_name_is_malformed() {
        let long = "é".repeat(200);
        let header = |value| [("Sentry-Hook-Resource", value)];
        assert!(malformed(&header("Issue!"), "{}").ends_with("found `Issue!`"));
        assert!(malformed(&header("  "), "{}").ends_with("found ``"));
        assert!(malformed(&header(&long), "{}").contains('…'));
        let plugin = r#"{"project_slug": "a", "event": {}}"#;
        assert!(malformed(&header(""), plugin).ends_with("found ``"));
    }

    #[test]
    fn the_plugins_body_is_recognised_without_the_header_only() {
        let body = br#"{"project_slug": "a", "event": {}}"#;
        let request = WebhookRequest::for_test(&[], body);
        let delivery = Delivery::read(&request).unwrap();
        assert_eq!(
            (delivery.resource.as_str(), delivery.legacy),
            (LEGACY, true)
        );
        let request = WebhookRequest::for_test(&[("sentry-hook-resource", "issue")], body);
        let delivery = Delivery::read(&request).unwrap();
        assert_eq!(
            (delivery.resource.as_str(), delivery.legacy),
            ("issue", false)
        );
    }

    #[test]
    fn a_body_that_is_no_object_is_malformed() {
        let headers = [("sentry-hook-resource", "issue")];
        assert_eq!(malformed(&headers, "[]"), "body: expected a JSON object");
        assert!(malformed(&headers, "").starts_with("body: expected JSON"));
        assert!(malformed(&headers, &"[".repeat(100_000)).starts_with("body: expected JSON"));
    }
}
