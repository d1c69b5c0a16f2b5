//! The PostHog provider: what a destination, an alert or an older webhook of
//! PostHog sends becomes one event of Triggerhouse, and a trigger's configuration
//! picks the ones it wants.
//!
//! ```text
//! delivery   header and body of a request     → a JSON object
//! body/      one reader for each form of body → an outline: facts, identity, time
//! facts/     what is kept of a body           → bounded JSON
//! title      one line, a link and a name, for people
//! dedup      what makes two deliveries the same occurrence
//! filter/    configuration and verdict        → facts only, never the body
//! ```
//!
//! Three rules hold everywhere. A body is a template that its owner may have edited,
//! so each part but the event's name may be missing. What PostHog itself types (an
//! id, a name of a project) is read strictly where a filter decides on it; what its
//! customers type (the properties) may be any JSON and is compared by its type. And
//! nothing grows with the body: what is too large is left out, named as left out, and
//! never taken for missing.

mod body;
mod dedup;
mod delivery;
pub mod facts;
pub mod filter;
mod parse;
mod title;

pub use facts::Facts;
pub use filter::{Condition, Config, Operator};

use triggerhouse_sdk::contract::description::{
    StandardWebhooksKey, StandardWebhooksScheme, TokenScheme,
};
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
                // A destination signs only if its owner gave it a signing secret. All
                // others can at least repeat a secret in a header of their choice.
                token(Locator::Header("authorization".into()), "Bearer "),
                token(Locator::Header("x-webhook-secret".into()), ""),
                token(Locator::Header("x-posthog-token".into()), ""),
                // The webhook of an action can set no header, only its URL.
                token(Locator::Query("token".into()), ""),
            ],
            // Minted for each call, and the same for each attempt.
            delivery_id: vec![Locator::Header("webhook-id".into())],
            // A destination belongs to one project, and its default body does not
            // even name it.
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
