//! The PostHog provider: turns every delivery of a destination, an alert or an older webhook of
//! PostHog into one Triggerhouse event, and decides which configurations want it.
//!
//! ```text
//! body/      one reader for each form of body  → facts, identity, time
//! facts/     the facts of an event             → bounded JSON
//! title      scope, headline, link and actor
//! dedup      the identity of an occurrence
//! filter/    configuration and verdict         → facts only, never the body
//! ```
//!
//! Three rules hold everywhere. A body is a template that its owner can edit, so every part
//! except the event's name may be missing. Values with a type of PostHog (an id, the name of a
//! project) are read strictly if a filter decides on them; the customers' properties may be
//! any JSON and are compared by type. And nothing grows with the body: a part that is too
//! large is left out, the facts name it, and no filter takes it for missing.

mod body;
mod dedup;
pub mod facts;
pub mod filter;
mod parse;
mod title;

pub use facts::Facts;
pub use filter::{Condition, Config, Operator};

use triggerhouse_sdk::prelude::*;

/// The provider.
pub struct PostHog;

impl Describe for PostHog {
    const ID: &'static str = "posthog";
    const NAME: &'static str = "PostHog";
    const DESCRIPTION: &'static str =
        "Captured events, alerts, error tracking and activity that PostHog sends to a webhook.";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");

    fn webhook() -> Option<WebhookSource> {
        Some(WebhookSource {
            verification: vec![
                VerificationScheme::StandardWebhooks(StandardWebhooksScheme {
                    prefix: "webhook".into(),
                    key: StandardWebhooksKey::Base64,
                    tolerance_seconds: 300,
                }),
                // A destination signs if its owner gave it a signing secret. The others can
                // at least repeat a secret in a header.
                token(Locator::Header("authorization".into()), "Bearer "),
                token(Locator::Header("x-webhook-secret".into()), ""),
                token(Locator::Header("x-posthog-token".into()), ""),
                // The webhook of an action has a URL and no headers.
                token(Locator::Query("token".into()), ""),
            ],
            // Minted for each call, and repeated with each attempt.
            delivery_id: vec![Locator::Header("webhook-id".into())],
            // A destination belongs to one project, and its default body does not name the
            // project.
            account: vec![],
            handshakes: vec![],
        })
    }
}

fn token(at: Locator, prefix: &str) -> VerificationScheme {
    VerificationScheme::Token(TokenScheme {
        at,
        prefix: prefix.into(),
    })
}

#[cfg(target_family = "wasm")]
triggerhouse_sdk::register!(PostHog: webhook);
