//! The `describe` interface: the provider's id, verification and schemas.

use crate::contract::description::{
    HashAlgorithm, HmacScheme, PollingSource, ProviderInfo, SignatureEncoding, SignaturePosition,
    SignedPart, VerificationScheme, WebhookSource,
};
use crate::filter::Filter;
use schemars::{JsonSchema, SchemaGenerator, generate::SchemaSettings};

/// Implemented by every provider.
pub trait Describe {
    /// The id in the registry: 1 to 64 characters of `a-z`, `0-9`, `-`.
    const ID: &'static str;
    /// The name that people read.
    const NAME: &'static str;
    /// One or two sentences that people read.
    const DESCRIPTION: &'static str;
    /// Usually `env!("CARGO_PKG_VERSION")`.
    const VERSION: &'static str;

    /// The signature and identification of webhooks; required of a [`crate::Webhook`].
    fn webhook() -> Option<WebhookSource> {
        None
    }

    /// The hosts, credential and interval of polls; required of a [`crate::Polling`].
    fn polling() -> Option<PollingSource> {
        None
    }

    /// The JSON Schema of the operator's settings; see [`crate::schema_of`].
    fn settings_schema() -> Option<String> {
        None
    }
}

/// The description that the host receives. Its configuration schema is derived from the
/// type that the filter reads, so the two cannot disagree.
pub fn provider_info<P: Describe + Filter>() -> ProviderInfo {
    ProviderInfo {
        id: P::ID.into(),
        name: P::NAME.into(),
        description: P::DESCRIPTION.into(),
        version: P::VERSION.into(),
        config_schema: schema_of::<P::Config>(),
        settings_schema: P::settings_schema(),
        webhook: P::webhook(),
        polling: P::polling(),
    }
}

/// The JSON Schema (2020-12) of `T`.
pub fn schema_of<T: JsonSchema>() -> String {
    let generator: SchemaGenerator = SchemaSettings::draft2020_12().into_generator();
    generator.into_root_schema_for::<T>().to_value().to_string()
}

/// The most common scheme: `<header>: <prefix><hex HMAC-SHA256 of the body>`.
pub fn hmac_sha256_hex(header: &str, prefix: &str) -> VerificationScheme {
    VerificationScheme::Hmac(HmacScheme {
        hash: HashAlgorithm::Sha256,
        header: header.into(),
        position: match prefix {
            "" => SignaturePosition::Whole,
            prefix => SignaturePosition::Prefixed(prefix.into()),
        },
        encoding: SignatureEncoding::Hex,
        signed: vec![SignedPart::Body],
        timestamp: None,
    })
}
