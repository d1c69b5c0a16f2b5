//! The Linear provider: turns every webhook of Linear into one Triggerhouse event, and
//! decides which configurations want it.
//!
//! ```text
//! outline    the parts common to all payloads  → an event in the making
//! people     actors, persons and apps          → for titles and the loop guard
//! changes    the changes of an update          → keys, previous values
//! strict     values that filters decide on     → a value, nothing, or an error
//! family/    one reader per family of types    → headline, link, facts
//! facts/     the facts of an event             → bounded JSON
//! dedup      the identity of a delivery
//! filter/    configuration and verdict         → facts only, never the payload
//! ```
//!
//! Three rules hold everywhere. The kind comes from the body's `type` and `action`, never
//! from the `linear-event` header, which Linear does not sign. Values that a filter decides
//! on are read strictly: a type that Linear does not document makes the delivery malformed;
//! other values are left out. And nothing grows with the payload: every text and list is
//! limited.

mod changes;
mod dedup;
pub mod facts;
mod family;
pub mod filter;
mod outline;
mod parse;
mod people;
mod strict;

pub use facts::Facts;
pub use filter::Config;

use triggerhouse_sdk::prelude::*;

/// Seconds that the signed time may differ from the time of receipt, as Linear advises.
const TOLERANCE_SECONDS: u32 = 60;

/// The provider.
pub struct Linear;

impl Describe for Linear {
    const ID: &'static str = "linear";
    const NAME: &'static str = "Linear";
    const DESCRIPTION: &'static str = "Issues, comments, projects, cycles, documents, customer requests, SLAs, agent sessions and every other webhook of Linear.";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");

    fn webhook() -> Option<WebhookSource> {
        Some(WebhookSource {
            verification: vec![VerificationScheme::Hmac(HmacScheme {
                hash: HashAlgorithm::Sha256,
                header: "linear-signature".into(),
                position: SignaturePosition::Whole,
                encoding: SignatureEncoding::Hex,
                signed: vec![SignedPart::Body],
                timestamp: Some(TimestampRule {
                    // Linear signs the body and not the header. So the body's time
                    // judges a replayed body with a fresh header.
                    sources: vec![
                        TimestampSource::BodyPointer("/webhookTimestamp".into()),
                        TimestampSource::Header("linear-timestamp".into()),
                    ],
                    unit: TimestampUnit::Milliseconds,
                    tolerance_seconds: TOLERANCE_SECONDS,
                    required: true,
                }),
            })],
            // Not `webhookId`, which is the subscription.
            delivery_id: vec![Locator::Header("linear-delivery".into())],
            account: vec![Locator::BodyPointer("/organizationId".into())],
            handshakes: vec![],
        })
    }
}

#[cfg(target_family = "wasm")]
triggerhouse_sdk::register!(Linear: webhook);

#[cfg(test)]
mod tests {
    use super::*;

    fn scheme() -> HmacScheme {
        let mut source = Linear::webhook().unwrap();
        assert_eq!(source.verification.len(), 1);
        match source.verification.remove(0) {
            VerificationScheme::Hmac(scheme) => scheme,
            other => panic!("an HMAC expected: {other:?}"),
        }
    }

    #[test]
    fn the_signature_covers_the_body_and_is_the_whole_header() {
        let scheme = scheme();
        assert_eq!(scheme.header, "linear-signature");
        assert_eq!(scheme.hash, HashAlgorithm::Sha256);
        assert_eq!(scheme.encoding, SignatureEncoding::Hex);
        assert_eq!(scheme.position, SignaturePosition::Whole);
        assert_eq!(scheme.signed, [SignedPart::Body]);
    }

    #[test]
    fn the_signed_time_in_the_body_takes_precedence_over_the_header() {
        let rule = scheme().timestamp.unwrap();
        assert_eq!(
            rule.sources,
            [
                TimestampSource::BodyPointer("/webhookTimestamp".into()),
                TimestampSource::Header("linear-timestamp".into()),
            ]
        );
        assert_eq!(rule.unit, TimestampUnit::Milliseconds);
        assert_eq!((rule.tolerance_seconds, rule.required), (60, true));
    }

    #[test]
    fn a_delivery_is_identified_by_its_header_and_never_by_the_subscription() {
        let source = Linear::webhook().unwrap();
        assert_eq!(
            source.delivery_id,
            [Locator::Header("linear-delivery".into())]
        );
        assert_eq!(
            source.account,
            [Locator::BodyPointer("/organizationId".into())]
        );
    }
}
