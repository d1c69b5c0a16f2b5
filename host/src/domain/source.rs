//! How a provider's deliveries are signed and identified, as data.
//!
//! The same shape as `interface description` in `wit/v1`, which documents each
//! field; this is what the host keeps after it has checked a description.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How webhooks of one provider arrive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = WebhookSource)]
pub struct WebhookScheme {
    /// Alternatives, tried in order; one must pass.
    pub verification: Vec<VerificationScheme>,
    /// Where the sender's delivery id stands; the first that finds one wins.
    pub delivery_id: Vec<Locator>,
    /// Where the account of an app-level delivery stands; likewise.
    pub account: Vec<Locator>,
    /// Requests that are answered at once.
    pub handshakes: Vec<Handshake>,
}

/// What polling needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PollingSource {
    /// Hosts that the provider wants to reach.
    pub allowed_hosts: Vec<String>,
    /// Where the credential goes.
    pub credential: Option<CredentialPlacement>,
    /// Seconds between polls where a trigger names none.
    pub default_interval_seconds: u32,
}

/// Where a value stands in a request.
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
    /// The commonest scheme: `<header>: <prefix><hex HMAC-SHA256 of the body>`. The
    /// header's name in lower case; an empty prefix is none.
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
    /// Where in the header's value the signature stands.
    pub position: SignaturePosition,
    /// How it is written.
    pub encoding: SignatureEncoding,
    /// What is signed.
    pub signed: Vec<SignedPart>,
    /// How fresh the delivery must be.
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

/// How a signature is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SignatureEncoding {
    /// Lower-case hexadecimal digits.
    Hex,
    /// Standard base64 with padding.
    Base64,
}

/// Where in a header's value a signature stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SignaturePosition {
    /// The whole value.
    Whole,
    /// After this prefix.
    Prefixed(String),
    /// An entry of a list of `name=value`.
    ListField(String),
}

/// A part of what is signed.
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

/// How fresh a delivery must be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TimestampRule {
    /// Tried in order; the first that is present counts.
    pub sources: Vec<TimestampSource>,
    /// The timestamp's unit.
    pub unit: TimestampUnit,
    /// Seconds, either way.
    pub tolerance_seconds: u32,
    /// Whether a delivery without one is refused.
    pub required: bool,
}

/// Where a timestamp stands.
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
    /// How the secret becomes the key.
    pub key: StandardWebhooksKey,
    /// Seconds, either way.
    pub tolerance_seconds: u32,
}

/// How a Standard Webhooks secret becomes the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum StandardWebhooksKey {
    /// Base64, with or without `whsec_`.
    Base64,
    /// The secret's bytes.
    Raw,
}

/// A shared secret, repeated with each delivery.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TokenScheme {
    /// A header or a query parameter.
    pub at: Locator,
    /// What stands before the secret.
    pub prefix: String,
}

/// A request that is answered at once, after verification.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Handshake {
    /// Applies where a value stands here …
    pub when: Locator,
    /// … and equals this, if given.
    pub equals: Option<String>,
    /// What is answered.
    pub echo: Locator,
}

/// Where the host puts a credential.
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
