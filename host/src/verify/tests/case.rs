//! Valid requests, one of each form, for tests to break.

use crate::domain::Timestamp;
use crate::domain::source::{
    HashAlgorithm, HmacScheme, Locator, SignatureEncoding, SignaturePosition, SignedPart,
    StandardWebhooksKey, StandardWebhooksScheme, TimestampRule, TimestampSource, TimestampUnit,
    TokenScheme, VerificationScheme, WebhookScheme,
};
use crate::secret::Secret;
use crate::verify::{Request, VerifyError};
use http::{HeaderMap, HeaderName};

/// The time of the signature of Standard Webhooks' published message.
pub(super) const SIGNED_AT: Timestamp = Timestamp(1_614_265_330_000_000);

pub(super) fn source(verification: Vec<VerificationScheme>) -> WebhookScheme {
    WebhookScheme {
        verification,
        delivery_id: vec![],
        account: vec![],
        handshakes: vec![],
    }
}

pub(super) fn header_map(headers: &[(&str, &str)]) -> HeaderMap {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        map.append(name, value.parse().unwrap());
    }
    map
}

pub(super) fn secrets(texts: &[&str]) -> Vec<Secret> {
    texts.iter().map(|text| Secret::from(*text)).collect()
}

/// A request that tests vary, one part at a time.
#[derive(Clone)]
pub(super) struct Case {
    pub(super) source: WebhookScheme,
    pub(super) secrets: Vec<&'static str>,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) query: String,
    pub(super) body: Vec<u8>,
    pub(super) received_at: Timestamp,
}

impl Case {
    pub(super) fn outcome(&self) -> Result<(), VerifyError> {
        let headers: Vec<(&str, &str)> = self
            .headers
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        let headers = header_map(&headers);
        Request::new(
            &self.source,
            &headers,
            &self.query,
            &self.body,
            self.received_at,
        )
        .verify(&secrets(&self.secrets))
    }

    /// The outcome after one change.
    pub(super) fn with(&self, change: impl FnOnce(&mut Self)) -> Result<(), VerifyError> {
        let mut case = self.clone();
        change(&mut case);
        case.outcome()
    }

    pub(super) fn with_header(&self, at: usize, value: &str) -> Result<(), VerifyError> {
        self.with(|case| case.headers[at].1 = value.to_owned())
    }

    pub(super) fn without_header(&self, at: usize) -> Result<(), VerifyError> {
        self.with(|case| {
            case.headers.remove(at);
        })
    }

    pub(super) fn with_header_twice(&self, at: usize) -> Result<(), VerifyError> {
        self.with(|case| case.headers.push(case.headers[at].clone()))
    }

    pub(super) fn received_after(&self, seconds: i64) -> Result<(), VerifyError> {
        self.with(|case| case.received_at.0 += seconds * 1_000_000)
    }
}

/// `sha256=<hex>` over the body, without a timestamp.
pub(super) fn prefixed_scheme() -> HmacScheme {
    HmacScheme {
        hash: HashAlgorithm::Sha256,
        header: "x-hub-signature-256".to_owned(),
        position: SignaturePosition::Prefixed("sha256=".to_owned()),
        encoding: SignatureEncoding::Hex,
        signed: vec![SignedPart::Body],
        timestamp: None,
    }
}

/// The most widely published vector of this form.
pub(super) fn prefixed() -> Case {
    Case {
        source: source(vec![VerificationScheme::Hmac(prefixed_scheme())]),
        secrets: vec!["It's a Secret to Everybody"],
        headers: vec![(
            "X-Hub-Signature-256",
            "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17".to_owned(),
        )],
        query: String::new(),
        body: b"Hello, World!".to_vec(),
        received_at: SIGNED_AT,
    }
}

/// The message in the tests of Nango's client library. Nango publishes the algorithm but no
/// signature, so OpenSSL computed this HMAC.
pub(super) fn whole() -> Case {
    let body = br#"{"type":"sync","connectionId":"test-connection","providerConfigKey":"test-provider","syncName":"test-sync","model":"TestModel","responseResults":{"added":5,"updated":0,"deleted":0}}"#;
    let signature = "ce6f82d8555253066e19ba3525ebab872d906b9f4607481a889b991b29b17b3a";
    Case {
        source: source(vec![VerificationScheme::hmac_sha256_hex(
            "x-nango-hmac-sha256",
            "",
        )]),
        secrets: vec!["test-secret-key"],
        headers: vec![("X-Nango-Hmac-Sha256", signature.to_owned())],
        query: String::new(),
        body: body.to_vec(),
        received_at: SIGNED_AT,
    }
}

/// The specification's published message.
pub(super) fn standard(key: StandardWebhooksKey) -> Case {
    Case {
        source: source(vec![VerificationScheme::StandardWebhooks(
            StandardWebhooksScheme {
                prefix: "webhook".to_owned(),
                key,
                tolerance_seconds: 300,
            },
        )]),
        secrets: vec!["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
        headers: vec![
            ("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek".to_owned()),
            ("webhook-timestamp", "1614265330".to_owned()),
            (
                "webhook-signature",
                "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=".to_owned(),
            ),
        ],
        query: String::new(),
        body: br#"{"test": 2432232314}"#.to_vec(),
        received_at: SIGNED_AT,
    }
}

/// The same scheme with the secret's bytes as the key.
pub(super) fn standard_raw() -> Case {
    let scheme = standard(StandardWebhooksKey::Raw).source.verification;
    signed(scheme, "a raw secret", b"{}")
}

/// `t=<seconds>,v1=<hex>` over `t.body`.
pub(super) fn list() -> Case {
    let scheme = HmacScheme {
        hash: HashAlgorithm::Sha256,
        header: "x-list".to_owned(),
        position: SignaturePosition::ListField("v1".to_owned()),
        encoding: SignatureEncoding::Hex,
        signed: vec![
            SignedPart::Timestamp,
            SignedPart::Literal(".".to_owned()),
            SignedPart::Body,
        ],
        timestamp: Some(TimestampRule {
            sources: vec![TimestampSource::ListField("t".to_owned())],
            unit: TimestampUnit::Seconds,
            tolerance_seconds: 300,
            required: true,
        }),
    };
    signed(vec![VerificationScheme::Hmac(scheme)], "list secret", b"{}")
}

/// Plain hex over the body. The timestamp, in milliseconds, is in the signed body or else
/// in an unsigned header.
pub(super) fn body_time(body: &str) -> Case {
    let scheme = HmacScheme {
        hash: HashAlgorithm::Sha256,
        header: "x-signature".to_owned(),
        position: SignaturePosition::Whole,
        encoding: SignatureEncoding::Hex,
        signed: vec![SignedPart::Body],
        timestamp: Some(TimestampRule {
            sources: vec![
                TimestampSource::BodyPointer("/sentAt".to_owned()),
                TimestampSource::Header("x-timestamp".to_owned()),
            ],
            unit: TimestampUnit::Milliseconds,
            tolerance_seconds: 60,
            required: true,
        }),
    };
    signed(
        vec![VerificationScheme::Hmac(scheme)],
        "body secret",
        body.as_bytes(),
    )
}

pub(super) fn token(at: Locator, prefix: &str) -> Case {
    let scheme = VerificationScheme::Token(TokenScheme {
        at,
        prefix: prefix.to_owned(),
    });
    signed(vec![scheme], "token & secret", b"{}")
}

/// A request that the first scheme signs.
pub(super) fn signed(
    verification: Vec<VerificationScheme>,
    secret: &'static str,
    body: &[u8],
) -> Case {
    let source = source(verification);
    let none = HeaderMap::new();
    let signed = Request::new(&source, &none, "", body, SIGNED_AT)
        .sign(&Secret::from(secret))
        .unwrap();
    let headers = signed
        .headers
        .into_iter()
        .map(|(name, value)| (&*name.leak(), value))
        .collect();
    Case {
        source,
        secrets: vec![secret],
        headers,
        query: signed.query,
        body: body.to_vec(),
        received_at: SIGNED_AT,
    }
}
