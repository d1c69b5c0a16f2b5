//! The Sentry provider: every webhook of Sentry's integration platform, and of its
//! older "WebHooks" plugin, becomes one event of Triggerhouse, and a trigger's
//! configuration picks the ones it wants.
//!
//! ```text
//! delivery   header and body of a request        → the payload, without reading it
//! family/    one reader per resource             → headline, link, time, facts
//! place      what Sentry's addresses say         → organization, project
//! facts/     what is kept of a payload           → bounded JSON
//! dedup      the occurrence's identity
//! filter/    configuration and verdict           → facts only, never the payload
//! ```
//!
//! Three rules hold everywhere. The kind comes from the `sentry-hook-resource`
//! header and the payload's `action`, never from the look of the body: a body alone
//! does not say whether an issue, an error or a comment was `created`. What a filter
//! decides on is read strictly: of another type than Sentry documents, the delivery
//! is malformed; what is only nice to have is left out instead. And nothing grows
//! with the payload: every text and list has a limit.

mod dedup;
mod delivery;
pub mod facts;
mod family;
pub mod filter;
mod outline;
mod parse;
mod place;

pub use facts::Facts;
pub use filter::Config;

use triggerhouse_sdk::contract::description::TokenScheme;
use triggerhouse_sdk::prelude::*;

/// The provider.
pub struct Sentry;

impl Describe for Sentry {
    const ID: &'static str = "sentry";
    const NAME: &'static str = "Sentry";
    const DESCRIPTION: &'static str = "Issues, errors, issue alerts, metric alerts, comments, Seer, mobile builds and every other webhook of Sentry.";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");

    fn webhook() -> Option<WebhookSource> {
        Some(WebhookSource {
            verification: vec![
                // `sentry-hook-timestamp` is not part of what is signed, so a rule
                // about it would prove nothing: whoever replays a delivery can
                // write any time into it.
                hmac_sha256_hex("sentry-hook-signature", ""),
                // The older plugin cannot sign, and sends no header of its own. Its
                // address is all that one can choose.
                VerificationScheme::Token(TokenScheme {
                    at: Locator::Query("token".into()),
                    prefix: String::new(),
                }),
            ],
            // `request-id` is a new UUID for each attempt, so a retry would count as
            // another delivery. Sentry sends nothing that a retry keeps.
            delivery_id: vec![],
            account: vec![Locator::BodyPointer("/installation/uuid".into())],
            handshakes: vec![],
        })
    }
}

#[cfg(target_family = "wasm")]
triggerhouse_sdk::register!(Sentry: webhook);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delivery_is_signed_or_knows_the_token() {
        let source = Sentry::webhook().unwrap();
        let [
            VerificationScheme::Hmac(hmac),
            VerificationScheme::Token(token),
        ] = &source.verification[..]
        else {
            panic!("a signature and a token expected")
        };
        assert_eq!(hmac.header, "sentry-hook-signature");
        assert_eq!(hmac.hash, HashAlgorithm::Sha256);
        assert_eq!(hmac.position, SignaturePosition::Whole);
        assert_eq!(hmac.encoding, SignatureEncoding::Hex);
        assert_eq!(hmac.signed, [SignedPart::Body]);
        assert!(hmac.timestamp.is_none());
        assert_eq!(token.at, Locator::Query("token".into()));
    }

    #[test]
    fn no_header_is_taken_for_a_delivery_id() {
        assert!(Sentry::webhook().unwrap().delivery_id.is_empty());
    }

    #[test]
    fn the_schema_refuses_unknown_fields_and_explains_the_others() {
        triggerhouse_sdk::testing::assert_schema_explains::<Sentry>();
    }
}
