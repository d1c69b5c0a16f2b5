//! The signatures and identifiers of a provider's deliveries, as data.
//!
//! Has the shape of `interface description` in `wit/v1`, which documents each field. The
//! host keeps this form after it has checked a description.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The signatures and identifiers of a provider's webhooks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = WebhookSource)]
pub struct WebhookScheme {
    /// Alternative schemes, tried in order; one must pass.
    pub verification: Vec<VerificationScheme>,
    /// Places of the sender's delivery id; the first one with a value wins.
    pub delivery_id: Vec<Locator>,
    /// Places of the account of an app-level delivery; the first one with a value wins.
    pub account: Vec<Locator>,
    /// Requests that the host answers at once.
    pub handshakes: Vec<Handshake>,
}

/// The requirements of polling.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PollingSource {
    /// Hosts that the provider needs to reach.
    pub allowed_hosts: Vec<String>,
    /// The place of the credential in a request.
    pub credential: Option<CredentialPlacement>,
    /// Seconds between polls for triggers without an interval of their own.
    pub default_interval_seconds: u32,
}

/// The place of a value in a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Locator {
    /// A header.
    Header(String),
    /// A JSON Pointer into the body.
    BodyPointer(String),
    /// A query parameter.
    Query(String),
}

/// One way to verify a delivery.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum VerificationScheme {
    /// An HMAC in a header.
    Hmac(HmacScheme),
    /// Standard Webhooks 1.0.
    StandardWebhooks(StandardWebhooksScheme),
    /// A shared secret, repeated with each delivery.
    Token(TokenScheme),
}

impl VerificationScheme {
    /// The most common scheme: `<header>: <prefix><hex HMAC-SHA256 of the body>`. `header`
    /// is in lower case; `prefix` may be empty.
    pub fn hmac_sha256_hex(header: &str, prefix: &str) -> Self {
        Self::Hmac(HmacScheme {
            hash: HashAlgorithm::Sha256,
            header: header.to_owned(),
            position: match prefix {
                "" => SignaturePosition::Whole,
                prefix => SignaturePosition::Prefixed(prefix.to_owned()),
            },
            encoding: SignatureEncoding::Hex,
            signed: vec![SignedPart::Body],
            timestamp: None,
        })
    }
}

/// An HMAC in a header.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HmacScheme {
    /// The hash function.
    pub hash: HashAlgorithm,
    /// The header that carries the signature, in lower case.
    pub header: String,
    /// The position of the signature in the header's value.
    pub position: SignaturePosition,
    /// The encoding of the signature.
    pub encoding: SignatureEncoding,
    /// The signed parts, in order.
    pub signed: Vec<SignedPart>,
    /// The freshness that a delivery needs.
    pub timestamp: Option<TimestampRule>,
}

/// A hash function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum HashAlgorithm {
    /// SHA-1.
    Sha1,
    /// SHA-256.
    Sha256,
    /// SHA-512.
    Sha512,
}

/// The encoding of a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SignatureEncoding {
    /// Lower-case hexadecimal digits.
    Hex,
    /// Standard base64 with padding.
    Base64,
}

/// The position of a signature in a header's value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SignaturePosition {
    /// The whole value.
    Whole,
    /// The value after this prefix.
    Prefixed(String),
    /// The entry of this name in a list of `name=value`.
    ListField(String),
}

/// A signed part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SignedPart {
    /// This text.
    Literal(String),
    /// The value of this header.
    Header(String),
    /// The timestamp's text.
    Timestamp,
    /// The body's bytes.
    Body,
}

/// The freshness that a delivery needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TimestampRule {
    /// Places of the timestamp; the first one with a value counts.
    pub sources: Vec<TimestampSource>,
    /// The timestamp's unit.
    pub unit: TimestampUnit,
    /// The largest distance from the time of receipt, in seconds.
    pub tolerance_seconds: u32,
    /// Refuses a delivery without a timestamp.
    pub required: bool,
}

/// The place of a timestamp.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TimestampSource {
    /// A header.
    Header(String),
    /// An entry of the signature header.
    ListField(String),
    /// A JSON Pointer into the body.
    BodyPointer(String),
}

/// A timestamp's unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TimestampUnit {
    /// Seconds since 1970.
    Seconds,
    /// Milliseconds since 1970.
    Milliseconds,
}

/// Standard Webhooks 1.0.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StandardWebhooksScheme {
    /// `webhook` or `svix`.
    pub prefix: String,
    /// The derivation of the key from the secret.
    pub key: StandardWebhooksKey,
    /// The largest distance from the time of receipt, in seconds.
    pub tolerance_seconds: u32,
}

/// The derivation of the key from a Standard Webhooks secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum StandardWebhooksKey {
    /// The secret is base64, with or without `whsec_`.
    Base64,
    /// The key is the secret's bytes.
    Raw,
}

/// A shared secret, repeated with each delivery.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TokenScheme {
    /// A header or a query parameter.
    pub at: Locator,
    /// The text before the secret.
    pub prefix: String,
}

/// A request that the host answers at once, after verification.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Handshake {
    /// Applies if there is a value here …
    pub when: Locator,
    /// … and equals this, if given.
    pub equals: Option<String>,
    /// The place of the answer.
    pub echo: Locator,
}

/// The place where the host adds a credential.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CredentialPlacement {
    /// `Authorization: Bearer <token>`.
    Bearer,
    /// This header.
    Header(String),
    /// This query parameter.
    Query(String),
}
