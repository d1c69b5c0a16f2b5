//! Handshakes: a service sends a challenge when a webhook is set up, and expects it as the
//! answer.

use crate::verify::Request;

/// The longest challenge that is echoed, in bytes.
pub const ECHO_BYTES_MAX: usize = 4_096;

impl Request<'_> {
    /// The answer to a handshake, to send as plain text; `None` for an ordinary delivery.
    /// Verify the request first.
    pub fn handshake(&self) -> Option<String> {
        self.source().handshakes.iter().find_map(|handshake| {
            let value = self.value_at(&handshake.when)?;
            if handshake
                .equals
                .as_ref()
                .is_some_and(|wanted| *wanted != value)
            {
                return None;
            }
            self.value_at(&handshake.echo)
                .filter(|echo| echo.len() <= ECHO_BYTES_MAX)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Timestamp;
    use crate::domain::source::{Handshake, Locator, WebhookScheme};

    fn answer(query: &str, body: &str) -> Option<String> {
        let pointer = |pointer: &str| Locator::BodyPointer(pointer.to_owned());
        let source = WebhookScheme {
            verification: vec![],
            delivery_id: vec![],
            account: vec![],
            handshakes: vec![
                Handshake {
                    when: pointer("/type"),
                    equals: Some("url_verification".to_owned()),
                    echo: pointer("/challenge"),
                },
                Handshake {
                    when: Locator::Query("validate".to_owned()),
                    equals: None,
                    echo: Locator::Query("validate".to_owned()),
                },
            ],
        };
        let headers = http::HeaderMap::new();
        let request = Request::new(&source, &headers, query, body.as_bytes(), Timestamp(0));
        request.handshake()
    }

    #[test]
    fn a_challenge_is_echoed_and_a_delivery_is_not() {
        let challenge = r#"{"type":"url_verification","challenge":"3eZb"}"#;
        assert_eq!(answer("", challenge).as_deref(), Some("3eZb"));
        assert_eq!(answer("", r#"{"type":"event","challenge":"3eZb"}"#), None);
        assert_eq!(answer("", r#"{"type":"url_verification"}"#), None);
        assert_eq!(answer("", "{}"), None);
    }

    #[test]
    fn a_handshake_without_a_condition_asks_only_for_a_value() {
        assert_eq!(answer("validate=a%20b", "").as_deref(), Some("a b"));
        assert_eq!(answer("validate=", ""), None);
        let long = format!("validate={}", "x".repeat(ECHO_BYTES_MAX + 1));
        assert_eq!(answer(&long, ""), None);
    }
}
