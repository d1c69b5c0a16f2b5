//! The refusals of schemes that are described part by part.

use super::*;
use VerifyError::{
    Future, MalformedSignature, MalformedTimestamp, MissingSignature, MissingSignedHeader,
    MissingTimestamp, Repeated, Stale, WrongSignature,
};

#[test]
fn a_prefixed_signature_has_one_form() {
    let case = prefixed();
    let good = case.headers[0].1.clone();
    let digits = good.strip_prefix("sha256=").unwrap();
    let other = format!("sha256={}", digits.replace("757107", "757108"));
    assert_eq!(case.with_header(0, &other), Err(WrongSignature));
    for malformed in [
        digits.to_owned(),
        format!("sha256={}", digits.to_ascii_uppercase()),
        format!("SHA256={digits}"),
        format!("sha1={digits}"),
        format!("sha256={}", &digits[..62]),
        format!("sha256={}", &digits[..63]),
        format!("sha256={digits}00"),
        format!("sha256= {digits}"),
        format!("{good},{good}"),
        "sha256=".to_owned(),
        String::new(),
    ] {
        let outcome = case.with_header(0, &malformed);
        assert_eq!(outcome, Err(MalformedSignature), "{malformed}");
    }
}

#[test]
fn a_list_needs_one_good_entry() {
    let case = list();
    let good = case.headers[0].1.clone();
    let (time, signature) = good.split_once(',').unwrap();
    let zeros = format!("v1={}", "0".repeat(64));
    for accepted in [
        format!("{time},{zeros},{signature}"),
        format!("{signature}, v0=zz, {time}"),
        format!("v1=short,{time},{signature},{zeros}"),
    ] {
        assert_eq!(case.with_header(0, &accepted), Ok(()), "{accepted}");
    }
    for (value, error) in [
        (format!("{time},{zeros}"), WrongSignature),
        (format!("{time},v1=short"), MalformedSignature),
        (
            format!("{time},v1={}", signature[3..].to_ascii_uppercase()),
            MalformedSignature,
        ),
        (format!("{time},v2={}", &signature[3..]), MissingSignature),
        (signature.to_owned(), MissingTimestamp),
        (format!("t=1614265331,{signature}"), WrongSignature),
        (format!("{time},{time},{signature}"), Repeated),
        (format!("{time};{signature}"), MissingSignature),
        (String::new(), MissingSignature),
    ] {
        assert_eq!(case.with_header(0, &value), Err(error), "{value}");
    }
}

#[test]
fn a_signed_timestamp_that_is_no_number_is_refused() {
    for text in [
        "",
        "soon",
        "-1614265330",
        "+1614265330",
        "1614265330.0",
        "0x60",
    ] {
        let tag = crate::verify::hmac::tag(
            HashAlgorithm::Sha256,
            b"list secret",
            &[text.as_bytes(), b".{}"],
        );
        let value = format!("t={text},v1={}", hex::encode(tag.as_bytes()));
        assert_eq!(
            list().with_header(0, &value),
            Err(MalformedTimestamp),
            "{text}"
        );
    }
}

#[test]
fn freshness_is_judged_by_the_time_of_receipt_either_way() {
    for (case, tolerance) in [
        (standard(StandardWebhooksKey::Base64), 300),
        (standard_raw(), 300),
        (list(), 300),
        (body_time(r#"{"sentAt":1614265330000}"#), 60),
        (body_time(r#"{"sentAt":"1614265330000"}"#), 60),
    ] {
        assert_eq!(case.received_after(tolerance), Ok(()));
        assert_eq!(case.received_after(-tolerance), Ok(()));
        let seconds = tolerance.unsigned_abs() + 1;
        assert_eq!(case.received_after(tolerance + 1), Err(Stale { seconds }));
        assert_eq!(case.received_after(-tolerance - 1), Err(Future { seconds }));
        // A forgery is reported as a forgery, however old it is.
        let forged = case.with(|case| {
            case.received_at.0 += 1_000_000_000;
            case.body.push(b' ');
        });
        assert_eq!(forged, Err(WrongSignature));
    }
}

#[test]
fn a_stale_signed_time_is_not_saved_by_a_fresh_header() {
    let case = body_time(r#"{"sentAt":1614265330000}"#);
    let outcome = case.with(|case| {
        case.received_at.0 += 120_000_000;
        case.headers
            .push(("x-timestamp", "1614265450000".to_owned()));
    });
    assert_eq!(outcome, Err(Stale { seconds: 120 }));
}

#[test]
fn a_body_without_a_time_falls_back_to_the_header_and_is_refused_without() {
    for body in [r#"{"at":1}"#, r#"{"sentAt":null}"#, "no json"] {
        // The signer adds the header.
        let case = body_time(body);
        assert_eq!(case.headers[0].0, "x-timestamp");
        assert_eq!(case.outcome(), Ok(()));
        assert_eq!(case.without_header(0), Err(MissingTimestamp));
        assert_eq!(case.with_header(0, "soon"), Err(MalformedTimestamp));
        assert_eq!(case.with_header_twice(0), Err(Repeated));
        assert_eq!(case.received_after(61), Err(Stale { seconds: 61 }));

        let optional = case.with(|case| {
            case.headers.remove(0);
            if let VerificationScheme::Hmac(scheme) = &mut case.source.verification[0] {
                scheme.timestamp.as_mut().unwrap().required = false;
            }
        });
        assert_eq!(optional, Ok(()));
    }
}

#[test]
fn a_time_of_the_wrong_type_in_the_body_is_refused() {
    for body in [
        r#"{"sentAt":{}}"#,
        r#"{"sentAt":true}"#,
        r#"{"sentAt":"soon"}"#,
    ] {
        let case = body_time(r#"{"sentAt":1614265330000}"#);
        let tag =
            crate::verify::hmac::tag(HashAlgorithm::Sha256, b"body secret", &[body.as_bytes()]);
        let outcome = case.with(|case| {
            case.body = body.as_bytes().to_vec();
            case.headers[0].1 = hex::encode(tag.as_bytes());
        });
        assert_eq!(outcome, Err(MalformedTimestamp), "{body}");
    }
}

#[test]
fn a_signed_header_counts_and_must_be_there_once() {
    let mut scheme = prefixed_scheme();
    scheme.signed.push(SignedPart::Header("x-topic".to_owned()));
    let mut case = prefixed();
    case.source = source(vec![VerificationScheme::Hmac(scheme)]);
    let tag = crate::verify::hmac::tag(
        HashAlgorithm::Sha256,
        case.secrets[0].as_bytes(),
        &[&case.body, b"orders"],
    );
    case.headers[0].1 = format!("sha256={}", hex::encode(tag.as_bytes()));
    assert_eq!(case.outcome(), Err(MissingSignedHeader));
    case.headers.push(("X-Topic", "orders".to_owned()));
    assert_eq!(case.outcome(), Ok(()));
    assert_eq!(case.with_header(1, "users"), Err(WrongSignature));
    assert_eq!(case.with_header_twice(1), Err(Repeated));
}
