use super::*;
use crate::domain::source::{
    HashAlgorithm, SignatureEncoding, StandardWebhooksKey, StandardWebhooksScheme, TimestampUnit,
};

fn hmac_scheme() -> HmacScheme {
    HmacScheme {
        hash: HashAlgorithm::Sha256,
        header: "X-Signature".into(),
        position: SignaturePosition::Whole,
        encoding: SignatureEncoding::Hex,
        signed: vec![SignedPart::Body],
        timestamp: None,
    }
}

fn webhook(scheme: VerificationScheme) -> WebhookScheme {
    WebhookScheme {
        verification: vec![scheme],
        delivery_id: vec![Locator::Header("X-Id".into())],
        account: vec![Locator::BodyPointer("/a~1b/0".into())],
        handshakes: vec![],
    }
}

fn refusal(scheme: VerificationScheme) -> String {
    check_webhook(webhook(scheme)).unwrap_err()
}

#[test]
fn header_names_become_lower_case() {
    let checked = check_webhook(webhook(VerificationScheme::Hmac(hmac_scheme()))).unwrap();
    assert_eq!(checked.delivery_id, [Locator::Header("x-id".into())]);
    assert!(matches!(&checked.verification[0],
        VerificationScheme::Hmac(scheme) if scheme.header == "x-signature"));
}

#[test]
fn a_source_without_verification_is_refused() {
    let mut source = webhook(VerificationScheme::Hmac(hmac_scheme()));
    source.verification.clear();
    assert_eq!(
        check_webhook(source).unwrap_err(),
        "webhook.verification: expected at least one scheme, got none"
    );
}

#[test]
fn a_signature_that_leaves_the_body_out_is_refused() {
    let signed = vec![SignedPart::Header("x-a".into())];
    assert_eq!(
        refusal(VerificationScheme::Hmac(HmacScheme {
            signed,
            ..hmac_scheme()
        })),
        "webhook.verification[0]: signed: expected the body among the parts"
    );
}

#[test]
fn a_signed_timestamp_needs_a_rule_that_can_find_it() {
    let signed = vec![SignedPart::Timestamp, SignedPart::Body];
    let scheme = HmacScheme {
        signed,
        ..hmac_scheme()
    };
    assert!(refusal(VerificationScheme::Hmac(scheme.clone())).contains("no rule for it"));
    let rule = TimestampRule {
        sources: vec![TimestampSource::ListField("t".into())],
        unit: TimestampUnit::Seconds,
        tolerance_seconds: 300,
        required: true,
    };
    let timestamp = Some(rule.clone());
    assert!(
        refusal(VerificationScheme::Hmac(HmacScheme {
            timestamp,
            ..scheme.clone()
        }))
        .contains("timestamp: sources[0]: names an entry of the signature header")
    );
    let position = SignaturePosition::ListField("v1".into());
    let timestamp = Some(rule);
    let scheme = HmacScheme {
        timestamp,
        position,
        ..scheme
    };
    assert!(check_webhook(webhook(VerificationScheme::Hmac(scheme))).is_ok());
}

#[test]
fn a_token_in_the_body_is_refused() {
    let at = Locator::BodyPointer("/token".into());
    let prefix = String::new();
    assert!(
        refusal(VerificationScheme::Token(TokenScheme { at, prefix }))
            .contains("got a body pointer")
    );
}

#[test]
fn a_tolerance_of_nothing_is_refused() {
    let scheme = StandardWebhooksScheme {
        prefix: "webhook".into(),
        key: StandardWebhooksKey::Base64,
        tolerance_seconds: 0,
    };
    assert!(refusal(VerificationScheme::StandardWebhooks(scheme)).contains("tolerance-seconds"));
}

#[test]
fn a_pointer_and_a_header_name_are_read_strictly() {
    for bad in ["", "a", "/a~2", "/a~"] {
        assert!(pointer(bad.into()).is_err(), "{bad}");
    }
    for bad in ["", "x y", "x:", "ä"] {
        assert!(header(bad.into()).is_err(), "{bad}");
    }
}

#[test]
fn a_credential_cannot_go_into_a_header_of_the_connection() {
    let check = |name: &str| {
        check_polling(PollingSource {
            allowed_hosts: vec!["API.example.com:443".into()],
            credential: Some(CredentialPlacement::Header(name.into())),
            default_interval_seconds: 60,
        })
    };
    for good in ["X-Api-Key", "Authorization", "Cookie"] {
        let checked = check(good).unwrap();
        assert_eq!(checked.allowed_hosts, ["api.example.com:443"]);
        let lower = good.to_ascii_lowercase();
        assert_eq!(checked.credential, Some(CredentialPlacement::Header(lower)));
    }
    for bad in [
        "Host",
        "Content-Length",
        "transfer-encoding",
        "Proxy-Authorization",
    ] {
        let wrong = format!(
            "polling.credential: {} is the host's own header",
            bad.to_ascii_lowercase()
        );
        assert_eq!(check(bad), Err(wrong));
    }
}
