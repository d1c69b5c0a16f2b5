//! The GitHub provider: turns every webhook event of GitHub into one Triggerhouse event,
//! and decides which configurations want it.
//!
//! ```text
//! delivery   headers and body of a request     → the payload, unread
//! outline    the parts common to all payloads  → an event in the making
//! family/    one reader per family of events   → headline, link, time, facts
//! facts/     the facts of an event             → bounded JSON
//! dedup      the identity of a delivery
//! filter/    configuration and verdict         → facts only, never the payload
//! ```
//!
//! Three rules hold everywhere. The kind comes from the `x-github-event` header and the
//! payload's `action`, never from the shape of the body. Values that a filter decides on are
//! read strictly: a type that GitHub does not document makes the delivery malformed; other
//! values are left out. And nothing grows with the payload: every text and list is limited.

mod dedup;
mod delivery;
pub mod facts;
mod family;
pub mod filter;
mod git;
mod outline;
mod parse;

pub use facts::Facts;
pub use filter::Config;

use triggerhouse_sdk::prelude::*;

/// The provider.
pub struct GitHub;

impl Describe for GitHub {
    const ID: &'static str = "github";
    const NAME: &'static str = "GitHub";
    const DESCRIPTION: &'static str = "Issues, pull requests, pushes, checks, workflows, releases, alerts and every other webhook event of GitHub.";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");

    fn webhook() -> Option<WebhookSource> {
        Some(WebhookSource {
            // GitHub also sends a SHA-1 signature for old receivers. It proves less, so it
            // is not an alternative.
            verification: vec![hmac_sha256_hex("x-hub-signature-256", "sha256=")],
            delivery_id: vec![Locator::Header("x-github-delivery".into())],
            account: vec![Locator::BodyPointer("/installation/id".into())],
            handshakes: vec![],
        })
    }
}

#[cfg(target_family = "wasm")]
triggerhouse_sdk::register!(GitHub: webhook);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_sha256_signature_is_accepted() {
        let source = GitHub::webhook().unwrap();
        let [VerificationScheme::Hmac(scheme)] = &source.verification[..] else {
            panic!("one HMAC scheme expected")
        };
        assert_eq!(scheme.header, "x-hub-signature-256");
        assert_eq!(scheme.hash, HashAlgorithm::Sha256);
        assert_eq!(
            scheme.position,
            SignaturePosition::Prefixed("sha256=".into())
        );
    }
}
