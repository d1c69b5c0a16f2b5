//! Any description accepts what it signs, and refuses it after one bit has changed.

use super::*;
use proptest::prelude::*;
use proptest::sample::select;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

fn position() -> impl Strategy<Value = SignaturePosition> {
    prop_oneof![
        Just(SignaturePosition::Whole),
        "[a-z0-9]{1,6}=".prop_map(SignaturePosition::Prefixed),
        "v[0-9a-z]".prop_map(SignaturePosition::ListField),
    ]
}

fn timestamp_source() -> impl Strategy<Value = TimestampSource> {
    prop_oneof![
        Just(TimestampSource::Header("x-timestamp".to_owned())),
        Just(TimestampSource::ListField("t".to_owned())),
        Just(TimestampSource::BodyPointer("/sentAt".to_owned())),
    ]
}

fn timestamp_rule() -> impl Strategy<Value = TimestampRule> {
    (
        prop::collection::vec(timestamp_source(), 0..3),
        select(vec![TimestampUnit::Seconds, TimestampUnit::Milliseconds]),
        1..1_000_u32,
        any::<bool>(),
    )
        .prop_map(|(mut sources, unit, tolerance_seconds, required)| {
            // The signer always needs a place for the timestamp.
            sources.push(TimestampSource::Header("x-timestamp".to_owned()));
            TimestampRule {
                sources,
                unit,
                tolerance_seconds,
                required,
            }
        })
}

fn hmac_scheme() -> impl Strategy<Value = HmacScheme> {
    let part = prop_oneof![
        "[ -~]{0,5}".prop_map(SignedPart::Literal),
        Just(SignedPart::Header("x-topic".to_owned())),
        Just(SignedPart::Timestamp),
        Just(SignedPart::Body),
    ];
    (
        select(vec![
            HashAlgorithm::Sha1,
            HashAlgorithm::Sha256,
            HashAlgorithm::Sha512,
        ]),
        position(),
        select(vec![SignatureEncoding::Hex, SignatureEncoding::Base64]),
        prop::collection::vec(part, 0..4),
        prop::option::of(timestamp_rule()),
    )
        .prop_map(|(hash, position, encoding, mut signed, timestamp)| {
            signed.push(SignedPart::Body);
            if timestamp.is_none() {
                signed.retain(|part| *part != SignedPart::Timestamp);
            }
            HmacScheme {
                hash,
                header: "x-signature".to_owned(),
                position,
                encoding,
                signed,
                timestamp,
            }
        })
}

fn scheme() -> impl Strategy<Value = VerificationScheme> {
    let standard = (
        select(vec!["webhook", "svix"]),
        select(vec![StandardWebhooksKey::Base64, StandardWebhooksKey::Raw]),
    )
        .prop_map(|(prefix, key)| {
            VerificationScheme::StandardWebhooks(StandardWebhooksScheme {
                prefix: prefix.to_owned(),
                key,
                tolerance_seconds: 300,
            })
        });
    let token = (
        select(vec![
            Locator::Header("x-token".to_owned()),
            Locator::Query("tok en".to_owned()),
        ]),
        select(vec!["", "Bearer "]),
    )
        .prop_map(|(at, prefix)| {
            VerificationScheme::Token(TokenScheme {
                at,
                prefix: prefix.to_owned(),
            })
        });
    prop_oneof![4 => hmac_scheme().prop_map(VerificationScheme::Hmac), 1 => standard, 1 => token]
}

/// The request as it arrives, with the additions of the signer.
fn sent(source: &WebhookScheme, body: &[u8]) -> (HeaderMap, String) {
    let mut headers = header_map(&[("x-topic", "orders")]);
    let signed = Request::new(source, &headers, "a=b", body, SIGNED_AT)
        .sign(&Secret::from(SECRET))
        .unwrap();
    for (name, value) in signed.headers {
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        headers.append(name, value.parse().unwrap());
    }
    (headers, format!("a=b&{}", signed.query))
}

proptest! {
    #[test]
    fn what_is_signed_is_accepted_with_that_secret_only(
        scheme in scheme(),
        body: Vec<u8>,
    ) {
        let source = source(vec![scheme]);
        let (headers, query) = sent(&source, &body);
        let request = Request::new(&source, &headers, &query, &body, SIGNED_AT);
        prop_assert_eq!(request.verify(&secrets(&[SECRET])), Ok(()));
        prop_assert_eq!(request.verify(&secrets(&["AAAA", SECRET])), Ok(()));
        let other = request.verify(&secrets(&["AAAA"]));
        prop_assert_eq!(other, Err(VerifyError::WrongSignature));
    }

    #[test]
    fn one_changed_bit_of_the_body_is_refused(
        scheme in hmac_scheme(),
        body in prop::collection::vec(any::<u8>(), 1..200),
        at: prop::sample::Index,
        bit in 0..8_u8,
    ) {
        let source = source(vec![VerificationScheme::Hmac(scheme)]);
        let (headers, query) = sent(&source, &body);
        let mut changed = body.clone();
        changed[at.index(body.len())] ^= 1 << bit;
        let request = Request::new(&source, &headers, &query, &changed, SIGNED_AT);
        let outcome = request.verify(&secrets(&[SECRET]));
        prop_assert_eq!(outcome, Err(VerifyError::WrongSignature));
    }

    #[test]
    fn a_time_in_the_body_is_signed_and_judged_as_it_stands(
        mut scheme in hmac_scheme(),
        late_seconds in -2_000..2_000_i64,
    ) {
        let rule = TimestampRule {
            sources: vec![TimestampSource::BodyPointer("/sentAt".to_owned())],
            unit: TimestampUnit::Seconds,
            tolerance_seconds: 600,
            required: true,
        };
        scheme.timestamp = Some(rule);
        let source = source(vec![VerificationScheme::Hmac(scheme)]);
        let body = br#"{"x":[],"sentAt":1614265330}"#;
        let (headers, query) = sent(&source, body);
        let received_at = Timestamp(SIGNED_AT.0 + late_seconds * 1_000_000);
        let request = Request::new(&source, &headers, &query, body, received_at);
        let seconds = late_seconds.unsigned_abs();
        let expected = match late_seconds {
            ..-600 => Err(VerifyError::Future { seconds }),
            -600..=600 => Ok(()),
            _ => Err(VerifyError::Stale { seconds }),
        };
        prop_assert_eq!(request.verify(&secrets(&[SECRET])), expected);
    }

    #[test]
    fn no_header_makes_it_panic_or_pass(scheme in scheme(), value in "[ -~]{0,80}", body: Vec<u8>) {
        let source = source(vec![scheme]);
        let names = [
            "x-signature", "x-timestamp", "x-topic", "x-token", "webhook-id",
            "webhook-timestamp", "webhook-signature",
        ];
        let headers: Vec<(&str, &str)> = names.iter().map(|name| (*name, &*value)).collect();
        let headers = header_map(&headers);
        let request = Request::new(&source, &headers, &value, &body, SIGNED_AT);
        prop_assert!(request.verify(&secrets(&[SECRET])).is_err());
    }
}
