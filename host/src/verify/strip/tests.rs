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
fn everything_but_signatures_and_credentials_is_kept() {
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
