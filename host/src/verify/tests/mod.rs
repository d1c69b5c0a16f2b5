//! Whole schemes: published vectors, every refusal, rotation, and the round trip from
//! signing to verification.

mod case;
mod refused_hmacs;
mod refused_others;
mod round_trip;

use self::case::*;
use crate::domain::Timestamp;
use crate::domain::source::{
    HashAlgorithm, HmacScheme, Locator, SignatureEncoding, SignaturePosition, SignedPart,
    StandardWebhooksKey, StandardWebhooksScheme, TimestampRule, TimestampSource, TimestampUnit,
    TokenScheme, VerificationScheme, WebhookScheme,
};
use crate::secret::Secret;
use crate::verify::{Request, SignError, VerifyError};
use http::{HeaderMap, HeaderName};

#[test]
fn published_signatures_are_accepted() {
    assert_eq!(prefixed().outcome(), Ok(()));
    assert_eq!(whole().outcome(), Ok(()));
    assert_eq!(standard(StandardWebhooksKey::Base64).outcome(), Ok(()));
}

#[test]
fn published_signatures_are_made() {
    for case in [prefixed(), whole(), standard(StandardWebhooksKey::Base64)] {
        // The request has everything but the signature, which is the last header.
        let (signature, rest) = case.headers.split_last().unwrap();
        let rest: Vec<(&str, &str)> = rest.iter().map(|(name, value)| (*name, &**value)).collect();
        let headers = header_map(&rest);
        let request = Request::new(&case.source, &headers, "", &case.body, Timestamp(0));
        let signed = request.sign(&Secret::from(case.secrets[0])).unwrap();
        let expected = (signature.0.to_ascii_lowercase(), signature.1.clone());
        assert_eq!(signed.headers, [expected]);
    }
}

#[test]
fn either_of_two_live_secrets_passes_and_no_third() {
    for case in [
        prefixed(),
        whole(),
        standard(StandardWebhooksKey::Base64),
        list(),
        token(Locator::Header("x-token".to_owned()), ""),
    ] {
        let live = case.secrets[0];
        assert_eq!(case.with(|case| case.secrets = vec![live, "AAAA"]), Ok(()));
        assert_eq!(case.with(|case| case.secrets = vec!["AAAA", live]), Ok(()));
        let neither = case.with(|case| case.secrets = vec!["AAAA", "BBBB"]);
        assert_eq!(neither, Err(VerifyError::WrongSignature));
    }
}

#[test]
fn the_first_scheme_that_can_use_the_secret_signs() {
    let schemes = |secret| {
        let header = Locator::Header("x-token".to_owned());
        let mut schemes = standard(StandardWebhooksKey::Base64).source.verification;
        schemes.extend(token(header, "").source.verification);
        signed(schemes, secret, b"{}")
    };
    let names = |case: &Case| case.headers.iter().map(|h| h.0).collect::<Vec<_>>();
    let case = schemes("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
    assert_eq!(case.outcome(), Ok(()));
    assert_eq!(names(&case).last(), Some(&"webhook-signature"));
    let case = schemes("no base64!");
    assert_eq!(case.outcome(), Ok(()));
    assert_eq!(names(&case), ["x-token"]);
}

#[test]
fn a_raw_key_and_a_base64_key_are_not_the_same() {
    let scheme = |key| {
        let case = standard(key);
        signed(
            case.source.verification,
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            b"{}",
        )
    };
    let raw = scheme(StandardWebhooksKey::Raw);
    assert_eq!(raw.outcome(), Ok(()));
    let base64 = standard(StandardWebhooksKey::Base64).source;
    let refused = raw.with(|case| case.source = base64);
    assert_eq!(refused, Err(VerifyError::WrongSignature));
}

#[test]
fn one_of_several_schemes_suffices() {
    let mut either = standard(StandardWebhooksKey::Base64);
    let mut by_token = token(Locator::Header("x-token".to_owned()), "");
    either
        .source
        .verification
        .extend(by_token.source.verification);
    by_token.source = either.source.clone();
    assert_eq!(either.outcome(), Ok(()));
    assert_eq!(by_token.outcome(), Ok(()));
}

#[test]
fn the_scheme_that_got_furthest_explains_the_refusal() {
    let mut case = standard(StandardWebhooksKey::Base64);
    let by_token = token(Locator::Header("x-token".to_owned()), "");
    // In either order.
    for at in [0, 1] {
        let scheme = by_token.source.verification[0].clone();
        case.source.verification.insert(at, scheme);
        let stale = Err(VerifyError::Stale { seconds: 301 });
        assert_eq!(case.received_after(301), stale);
        let wrong = case.with(|case| case.body.push(b' '));
        assert_eq!(wrong, Err(VerifyError::WrongSignature));
        let nothing = case.with(|case| case.headers.clear());
        assert_eq!(nothing, Err(VerifyError::MissingSignature));
        case.source.verification.remove(at);
    }
}

#[test]
fn signing_names_the_missing_part() {
    let none = HeaderMap::new();
    let sign = |case: &Case, secret: &str| {
        Request::new(&case.source, &none, "", &case.body, SIGNED_AT).sign(&Secret::from(secret))
    };
    assert_eq!(sign(&prefixed(), " "), Err(SignError::UnusableSecret));
    let standard = standard(StandardWebhooksKey::Base64);
    assert_eq!(
        sign(&standard, "no base64!"),
        Err(SignError::UnusableSecret)
    );

    let mut case = prefixed();
    case.source.verification.clear();
    assert_eq!(sign(&case, "s"), Err(SignError::NoScheme));

    let mut scheme = prefixed_scheme();
    scheme.signed.push(SignedPart::Header("x-other".to_owned()));
    case.source = source(vec![VerificationScheme::Hmac(scheme.clone())]);
    let lacks = SignError::MissingHeader("x-other".to_owned());
    assert_eq!(sign(&case, "s"), Err(lacks));

    scheme.signed = vec![SignedPart::Body];
    scheme.timestamp = Some(TimestampRule {
        sources: vec![TimestampSource::BodyPointer("/at".to_owned())],
        unit: TimestampUnit::Seconds,
        tolerance_seconds: 60,
        required: true,
    });
    case.source = source(vec![VerificationScheme::Hmac(scheme)]);
    let lacks = SignError::MissingTimestamp("/at".to_owned());
    assert_eq!(sign(&case, "s"), Err(lacks));
}
