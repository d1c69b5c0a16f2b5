//! The refusals of every scheme, and of Standard Webhooks and tokens in particular.

use super::*;
use VerifyError::{
    MalformedSignature, MalformedSignedHeader, MalformedTimestamp, MissingSignature,
    MissingSignedHeader, MissingTimestamp, NoScheme, NoSecret, Repeated, UnusableSecret,
    WrongSignature,
};

fn every_scheme() -> Vec<Case> {
    vec![
        prefixed(),
        whole(),
        standard(StandardWebhooksKey::Base64),
        standard_raw(),
        list(),
        body_time(r#"{"sentAt":1614265330000}"#),
        token(Locator::Header("x-token".to_owned()), "Bearer "),
        token(Locator::Query("token".to_owned()), ""),
    ]
}

#[test]
fn every_scheme_refuses_a_wrong_key_and_no_key() {
    for case in every_scheme() {
        assert_eq!(case.outcome(), Ok(()));
        let wrong = case.with(|case| case.secrets = vec!["AAAA"]);
        assert_eq!(wrong, Err(WrongSignature));
        for blank in [vec![], vec![""], vec!["whsec_"], vec!["  "], vec!["", "\n"]] {
            assert_eq!(case.with(|case| case.secrets = blank), Err(NoSecret));
        }
    }
}

#[test]
fn a_blank_secret_is_refused_even_when_the_sender_signs_with_it() {
    for secret in ["", "whsec_"] {
        let tag = crate::verify::hmac::tag(HashAlgorithm::Sha256, secret.as_bytes(), &[b"x"]);
        let forged = prefixed().with(|case| {
            case.secrets = vec![secret];
            case.body = b"x".to_vec();
            case.headers[0].1 = format!("sha256={}", hex::encode(tag.as_bytes()));
        });
        assert_eq!(forged, Err(NoSecret));
    }
    let forged = token(Locator::Header("x-token".to_owned()), "").with(|case| {
        case.secrets = vec![""];
        case.headers[0].1 = String::new();
    });
    assert_eq!(forged, Err(NoSecret));
}

#[test]
fn a_source_without_schemes_accepts_nothing() {
    let outcome = prefixed().with(|case| case.source.verification.clear());
    assert_eq!(outcome, Err(NoScheme));
}

#[test]
fn every_signature_covers_the_body() {
    for case in every_scheme().into_iter().take(5) {
        assert_eq!(case.with(|case| case.body.push(b' ')), Err(WrongSignature));
        assert_eq!(case.with(|case| case.body[0] ^= 1), Err(WrongSignature));
        assert_eq!(case.with(|case| case.body.clear()), Err(WrongSignature));
    }
}

#[test]
fn a_missing_or_repeated_signature_is_refused() {
    for case in every_scheme() {
        let Some(last) = case.headers.len().checked_sub(1) else {
            continue;
        };
        assert_eq!(case.without_header(last), Err(MissingSignature));
        // A repetition is refused even if both values are the same.
        assert_eq!(case.with_header_twice(last), Err(Repeated));
        let second = case.with(|case| case.headers.push((case.headers[last].0, "x".to_owned())));
        assert_eq!(second, Err(Repeated));
    }
}

#[test]
fn standard_webhooks_needs_all_three_headers_once_and_in_form() {
    let case = standard(StandardWebhooksKey::Base64);
    assert_eq!(case.without_header(0), Err(MissingSignedHeader));
    assert_eq!(case.without_header(1), Err(MissingTimestamp));
    for at in 0..3 {
        assert_eq!(case.with_header_twice(at), Err(Repeated));
    }
    assert_eq!(case.with_header(0, "msg_other"), Err(WrongSignature));
    assert_eq!(case.with_header(0, ""), Err(MalformedSignedHeader));
    assert_eq!(case.with_header(1, "1614265331"), Err(WrongSignature));
    for text in ["", "soon", "1614265330.5", "-1", "16142653e30"] {
        assert_eq!(case.with_header(1, text), Err(MalformedTimestamp), "{text}");
    }
}

#[test]
fn a_message_cannot_be_cut_differently() {
    // `a.1.2.{}` as id `a`, time 1, body `2.{}` and as id `a.1`, time 2, body `{}`.
    let case = standard(StandardWebhooksKey::Base64).with(|case| {
        case.headers[0].1 = "msg.p5jXN8AQM9LWM0D4loKWxJek".to_owned();
    });
    assert_eq!(case, Err(MalformedSignedHeader));
}

#[test]
fn a_standard_webhooks_list_needs_one_good_entry_of_the_known_version() {
    let case = standard(StandardWebhooksKey::Base64);
    let good = case.headers[2].1.clone();
    let zeros = "v1,AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    for accepted in [
        format!("{zeros} {good}"),
        format!("{good} {zeros}"),
        format!(
            "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg== v1,x  {good}"
        ),
    ] {
        assert_eq!(case.with_header(2, &accepted), Ok(()), "{accepted}");
    }
    assert_eq!(case.with_header(2, zeros), Err(WrongSignature));
    let text = good.strip_prefix("v1,").unwrap();
    for malformed in [
        text.to_owned(),
        format!("v2,{text}"),
        format!("V1,{text}"),
        format!("v1,{}", text.to_ascii_lowercase().trim_end_matches('=')),
        format!("v1,{}", &text[..40]),
        format!("v1,{}", text.trim_end_matches('=')),
        format!("v1={text}"),
        "v1,".to_owned(),
        String::new(),
    ] {
        let outcome = case.with_header(2, &malformed);
        assert_eq!(outcome, Err(MalformedSignature), "{malformed}");
    }
}

#[test]
fn a_secret_that_is_no_base64_is_told_apart_from_a_wrong_one() {
    let case = standard(StandardWebhooksKey::Base64);
    let outcome = case.with(|case| case.secrets = vec!["whsec_no base64!"]);
    assert_eq!(outcome, Err(UnusableSecret));
}

#[test]
fn a_token_is_compared_whole_and_with_its_prefix() {
    let case = token(Locator::Header("x-token".to_owned()), "Bearer ");
    for (value, error) in [
        ("Bearer token & secre", WrongSignature),
        ("Bearer token & secret ", WrongSignature),
        ("Bearer TOKEN & SECRET", WrongSignature),
        ("Bearer  token & secret", WrongSignature),
        ("bearer token & secret", MalformedSignature),
        ("token & secret", MalformedSignature),
        ("Bearer ", MissingSignature),
        ("", MalformedSignature),
    ] {
        // Set as bytes: only the wire strips blanks from a header's value.
        assert_eq!(case.with_header(0, value), Err(error), "{value:?}");
    }
}

#[test]
fn a_token_in_the_query_is_decoded_and_stands_there_once() {
    let case = token(Locator::Query("token".to_owned()), "");
    assert_eq!(case.query, "token=token%20%26%20secret");
    for (query, outcome) in [
        ("a=b&t%6Fken=%74oken%20%26%20secret", Ok(())),
        ("token=token+%26+secret", Err(WrongSignature)),
        ("token=x", Err(WrongSignature)),
        ("token=x&token=token%20%26%20secret", Err(Repeated)),
        ("token=", Err(MissingSignature)),
        ("token", Err(MissingSignature)),
        ("tokens=token%20%26%20secret", Err(MissingSignature)),
        ("", Err(MissingSignature)),
    ] {
        assert_eq!(
            case.with(|case| case.query = query.to_owned()),
            outcome,
            "{query}"
        );
    }
}

#[test]
fn a_token_is_never_looked_for_in_the_body() {
    let case = token(Locator::Header("x-token".to_owned()), "");
    let outcome = case.with(|case| {
        case.body = br#"{"token":"token & secret"}"#.to_vec();
        case.source.verification = vec![VerificationScheme::Token(TokenScheme {
            at: Locator::BodyPointer("/token".to_owned()),
            prefix: String::new(),
        })];
    });
    assert_eq!(outcome, Err(MissingSignature));
}

#[test]
fn refusals_show_nothing_of_the_request() {
    let case = prefixed();
    let headers = header_map(&[("x-hub-signature-256", "sha256=00")]);
    let request = Request::new(&case.source, &headers, "q=1", &case.body, SIGNED_AT);
    let shown = format!("{request:?} {}", case.with_header(0, "x").unwrap_err());
    for hidden in ["Hello", "sha256=", "Everybody", "q=1"] {
        assert!(!shown.contains(hidden), "{shown}");
    }
}
