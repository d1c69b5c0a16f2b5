//! The Sentry provider: turns every webhook of Sentry's integration platform, and of its older
//! "WebHooks" plugin, into one Triggerhouse event, and decides which configurations want it.
//!
//! ```text
//! delivery   header and body of a request         → the payload, unread
//! outline    the parts common to all payloads     → an event in the making
//! family/    one reader per resource              → headline, link, time, facts
//! place      Sentry's URLs                        → organization, project
//! facts/     the facts of an event                → bounded JSON
//! dedup      the identity of an occurrence
//! filter/    configuration and verdict            → facts only, never the payload
//! ```
//!
//! Three rules hold everywhere. The kind comes from the `sentry-hook-resource` header and the
//! payload's `action`, never from the shape of the body: a body alone does not say if an issue,
//! an error or a comment was `created`. Values that a filter decides on are read strictly: a
//! type that Sentry does not document makes the delivery malformed; other values are left out.
//! And nothing grows with the payload: every text and list is limited.

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
                // Sentry does not sign `sentry-hook-timestamp`, so a rule for it would prove
                // nothing: an attacker who replays a delivery can write any time into it.
                hmac_sha256_hex("sentry-hook-signature", ""),
                // The older plugin cannot sign and sends no header of its own. Its owner
                // chooses the URL only.
                VerificationScheme::Token(TokenScheme {
                    at: Locator::Query("token".into()),
                    prefix: String::new(),
                }),
            ],
            // `request-id` is a new UUID for each attempt, so a retry would count as another
            // delivery. No header survives a retry.
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
    fn a_delivery_has_a_signature_or_the_token() {
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
    fn no_header_counts_as_a_delivery_id() {
        assert!(Sentry::webhook().unwrap().delivery_id.is_empty());
    }
}
