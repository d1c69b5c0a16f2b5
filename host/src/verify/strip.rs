//! What of a request may be kept and shown to a guest: everything but signatures
//! and credentials.

use crate::domain::delivery::Header;
use crate::domain::source::{Locator, VerificationScheme, WebhookScheme};
use crate::verify::query;
use crate::verify::standard_webhooks::Names;
use http::HeaderMap;

/// Headers that carry credentials whatever the description says.
const CREDENTIALS: [&str; 3] = ["authorization", "cookie", "proxy-authorization"];

/// Senders often send a second, older signature beside the one that is described.
/// With a weak secret a stored signature would let its reader guess the secret.
const SIGNATURE_WORDS: [&str; 2] = ["signature", "hmac"];

/// The headers that may be kept, in the map's order, names in lower case, bytes
/// that are no UTF-8 replaced.
///
/// `sources` are the descriptions whose signatures may be there: more than one
/// where one service forwards the requests of another.
pub fn kept_headers(sources: &[&WebhookScheme], headers: &HeaderMap) -> Vec<Header> {
    let secret: Vec<String> = schemes(sources).filter_map(secret_header).collect();
    headers
        .iter()
        .filter(|(name, _)| {
            let name = name.as_str();
            let is_credential = CREDENTIALS.contains(&name);
            let is_signature = SIGNATURE_WORDS.iter().any(|word| name.contains(word));
            !is_credential && !is_signature && !secret.iter().any(|secret| secret == name)
        })
        .map(|(name, value)| Header {
            name: name.as_str().to_owned(),
            value: String::from_utf8_lossy(value.as_bytes()).into_owned(),
        })
        .collect()
}

/// The query string without the tokens in it.
pub fn kept_query(sources: &[&WebhookScheme], text: &str) -> String {
    let secret: Vec<&str> = schemes(sources).filter_map(secret_parameter).collect();
    if secret.is_empty() {
        return text.to_owned();
    }
    query::without(text, |name| {
        secret.iter().any(|secret| secret.as_bytes() == name)
    })
}

fn schemes<'a>(sources: &[&'a WebhookScheme]) -> impl Iterator<Item = &'a VerificationScheme> {
    sources.iter().flat_map(|source| &source.verification)
}

/// The header in which a scheme's signature or token stands, in lower case.
fn secret_header(scheme: &VerificationScheme) -> Option<String> {
    match scheme {
        VerificationScheme::Hmac(scheme) => Some(scheme.header.to_ascii_lowercase()),
        VerificationScheme::StandardWebhooks(scheme) => {
            Some(Names::of(scheme).signature.to_ascii_lowercase())
        }
        VerificationScheme::Token(scheme) => match &scheme.at {
            Locator::Header(name) => Some(name.to_ascii_lowercase()),
            Locator::Query(_) | Locator::BodyPointer(_) => None,
        },
    }
}

/// The query parameter in which a scheme's token stands.
fn secret_parameter(scheme: &VerificationScheme) -> Option<&str> {
    match scheme {
        VerificationScheme::Token(scheme) => match &scheme.at {
            Locator::Query(name) => Some(name),
            Locator::Header(_) | Locator::BodyPointer(_) => None,
        },
        VerificationScheme::Hmac(_) | VerificationScheme::StandardWebhooks(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::source::{StandardWebhooksKey, StandardWebhooksScheme, TokenScheme};

    fn source() -> WebhookScheme {
        let token = |at| {
            VerificationScheme::Token(TokenScheme {
                at,
                prefix: String::new(),
            })
        };
        WebhookScheme {
            verification: vec![
                VerificationScheme::StandardWebhooks(StandardWebhooksScheme {
                    prefix: "webhook".to_owned(),
                    key: StandardWebhooksKey::Base64,
                    tolerance_seconds: 300,
                }),
                token(Locator::Header("X-Webhook-Secret".to_owned())),
                token(Locator::Query("token".to_owned())),
            ],
            delivery_id: vec![],
            account: vec![],
            handshakes: vec![],
        }
    }

    #[test]
    fn signatures_and_credentials_are_not_kept_and_all_else_is() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("Content-Type", "application/json"),
            ("Webhook-Id", "msg_1"),
            ("Webhook-Timestamp", "1"),
            ("Webhook-Signature", "v1,x"),
            ("X-Webhook-Secret", "s"),
            ("Authorization", "Bearer x"),
            ("Cookie", "a=b"),
            ("Proxy-Authorization", "Basic x"),
            ("X-Old-Signature-1", "sha1=x"),
            ("X-Hmac-Sha256", "x"),
            ("X-Event", "one"),
            ("X-Event", "two"),
        ] {
            headers.append(
                http::HeaderName::from_bytes(name.as_bytes()).unwrap(),
                value.parse().unwrap(),
            );
        }
        let latin_1 = http::HeaderValue::from_bytes(b"caf\xe9").unwrap();
        headers.append("x-name", latin_1);

        let kept: Vec<(String, String)> = kept_headers(&[&source()], &headers)
            .into_iter()
            .map(|header| (header.name, header.value))
            .collect();
        let expected = [
            ("content-type", "application/json"),
            ("webhook-id", "msg_1"),
            ("webhook-timestamp", "1"),
            ("x-event", "one"),
            ("x-event", "two"),
            ("x-name", "caf\u{fffd}"),
        ];
        assert_eq!(
            kept,
            expected.map(|(name, value)| (name.to_owned(), value.to_owned()))
        );
    }

    #[test]
    fn a_token_in_the_query_is_not_kept_however_it_is_written() {
        let kept = kept_query(&[&source()], "a=%31&token=s&t%6Fken=s&b");
        assert_eq!(kept, "a=%31&b");
    }
}
