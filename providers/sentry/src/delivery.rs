//! One delivery: its header, and its payload as JSON. Knows the transport and no resource,
//! except how to tell the body of the older plugin from a body that lost its header.

use serde_json::Value;
use triggerhouse_sdk::prelude::*;

/// The header that names the resource.
const HEADER: &str = "sentry-hook-resource";
/// Its content, for errors.
const EXPECTED: &str = "a resource such as `issue`";
/// The resource of the older plugin's deliveries, for which Sentry has no name.
const LEGACY: &str = "legacy";

/// A delivery whose transport is understood.
pub struct Delivery<'a> {
    /// `sentry-hook-resource`: `issue`. `legacy` for the older plugin.
    pub resource: String,
    /// True if the older plugin sent it.
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
    /// [`ParseError::Malformed`] if the resource's name is missing or not a name, or the payload
    /// is not a JSON object.
    pub fn read(request: &'a WebhookRequest) -> Result<Self, ParseError> {
        let named = request.name_header_opt(HEADER, EXPECTED)?;
        let payload = request.object()?;
        let legacy = named.is_none() && is_legacy(&payload);
        let resource = match legacy {
            true => LEGACY,
            false => request.name_header(HEADER, EXPECTED)?,
        };
        Ok(Self {
            resource: resource.to_owned(),
            legacy,
            body: &request.body,
            payload,
        })
    }
}

/// True for the shape of the older plugin's body. It has nothing in common with the integration
/// platform's `{action, installation, data}`, which is malformed without its header.
fn is_legacy(payload: &Value) -> bool {
    let has = |key: &str| payload.get(key).is_some();
    let is_platform = has("action") || has("installation") || has("data");
    !is_platform && has("project_slug") && payload.get("event").is_some_and(Value::is_object)
}

#[cfg(test)]
mod tests {
    use super::*;
    use triggerhouse_sdk::testing;

    fn malformed(headers: &[(&str, &str)], body: &str) -> String {
        testing::malformed::<crate::Sentry>(WebhookRequest::for_test(headers, body.as_bytes()))
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
    fn a_resource_header_that_is_not_a_name_is_malformed() {
        let plugin = r#"{"project_slug": "a", "event": {}}"#;
        for value in ["Issue!", ""] {
            let text = malformed(&[("Sentry-Hook-Resource", value)], plugin);
            assert!(text.ends_with(&format!("found `{value}`")), "{text}");
        }
    }

    #[test]
    fn the_plugins_body_is_recognized_only_without_the_header() {
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
}
