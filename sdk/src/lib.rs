//! Write a Triggerhouse provider in Rust.
//!
//! A provider is a WebAssembly component that turns the deliveries of one service into
//! events, and decides which trigger configurations accept an event. This crate holds the
//! bindings to the contract (`wit/v1`), one trait for each of its interfaces, and
//! [`register!`], which makes a type the component's export.
//!
//! The example below is a complete provider. A larger one fills in an [`Outline`], whose
//! texts and facts are then cut to the contract's limits.
//!
//! ```
//! use triggerhouse_sdk::prelude::*;
//!
//! pub struct Doorbell;
//!
//! /// Selects the rings that start a run.
//! #[derive(Deserialize, JsonSchema)]
//! #[serde(deny_unknown_fields, default)]
//! #[derive(Default)]
//! pub struct Config {
//!     /// Only these doors; every door if empty.
//!     doors: Vec<String>,
//! }
//!
//! #[facts]
//! pub struct Facts {
//!     door: String,
//! }
//!
//! impl Describe for Doorbell {
//!     const ID: &'static str = "doorbell";
//!     const NAME: &'static str = "Doorbell";
//!     const DESCRIPTION: &'static str = "Rings of a doorbell.";
//!     const VERSION: &'static str = "1.0.0";
//!
//!     fn webhook() -> Option<WebhookSource> {
//!         Some(WebhookSource {
//!             verification: vec![hmac_sha256_hex("x-signature", "sha256=")],
//!             delivery_id: vec![Locator::Header("x-delivery".into())],
//!             account: vec![],
//!             handshakes: vec![],
//!         })
//!     }
//! }
//!
//! impl Filter for Doorbell {
//!     type Config = Config;
//!     type Facts = Facts;
//!
//!     fn matches(_event: &Event, facts: &Facts, config: &Config) -> Verdict {
//!         if config.doors.is_empty() || config.doors.contains(&facts.door) {
//!             Verdict::Accept
//!         } else {
//!             Verdict::Reject(format!("doors: {} is not listed", facts.door))
//!         }
//!     }
//! }
//!
//! impl Webhook for Doorbell {
//!     fn parse(request: WebhookRequest) -> Result<Vec<Event>, ParseError> {
//!         let body = request.json()?;
//!         let payload = Payload::new(&body);
//!         let door = payload.text("/door")?;
//!         Ok(vec![Event {
//!             dedup_key: format!("doorbell:{}", payload.id("/ring_id")?),
//!             kind: "rung".into(),
//!             occurred_at: payload.time_opt("/at")?,
//!             title: format!("The bell rang at {door}"),
//!             url: None,
//!             actor: None,
//!             facts: facts(&Facts { door: door.into() }),
//!         }])
//!     }
//! }
//!
//! # #[cfg(target_family = "wasm")]
//! triggerhouse_sdk::register!(Doorbell: webhook);
//! # #[cfg(not(target_family = "wasm"))]
//! # assert!(Doorbell::parse(WebhookRequest::for_test(&[], br#"{"door": "front", "ring_id": 7}"#)).is_ok());
//! ```

// The code that `#[facts]` writes names this crate.
#[cfg(test)]
extern crate self as triggerhouse_sdk;

mod describe;
mod facts;
mod filter;
mod fingerprint;
pub mod glob;
pub mod limits;
mod outline;
mod payload;
mod polling;
mod register;
#[cfg(feature = "testing")]
pub mod testing;
mod text;
mod webhook;

#[doc(hidden)]
pub mod bindings;

/// The types of the contract; `wit/v1` documents them.
pub mod contract {
    pub use crate::bindings::imports::triggerhouse::provider::{description, types};
}

pub use bindings::imports::triggerhouse::provider::log;
pub use describe::{Describe, hmac_sha256_hex, provider_info, schema_of};
pub use facts::{Bounded, Field, facts, known};
pub use filter::{Filter, checks, judge};
pub use fingerprint::{Fingerprint, dedup_key};
pub use outline::{Outline, kind};
pub use payload::{Lenient, Payload, ReadError};
pub use polling::{Polling, retry_after_seconds, seconds_until_rfc3339};
pub use text::{aside, capitalized, first_line, one_line, shorten, tail};
/// Makes a struct a section of a provider's facts.
///
/// The struct derives what facts need, and a field that is absent is not written: `None`,
/// an empty list or map, `false`. [`Field`] says which types a field can have. Facts are a
/// public format, so every field has a default, and a later version of the provider can
/// add fields.
///
/// ```
/// use triggerhouse_sdk::{facts, facts as write};
///
/// #[facts]
/// struct Facts {
///     door: String,
///     floor: Option<i64>,
///     visitors: Vec<String>,
/// }
///
/// let facts = Facts { door: "front".into(), ..Facts::default() };
/// assert_eq!(write(&facts), r#"{"door":"front"}"#);
/// ```
///
/// ```compile_fail
/// #[triggerhouse_sdk::facts]
/// enum Facts {
///     Door,
/// }
/// ```
pub use triggerhouse_sdk_macros::facts;
pub use webhook::Webhook;
#[doc(hidden)]
pub use {schemars, serde};

/// The host's HTTP client, for polling providers.
pub mod http {
    pub use crate::bindings::imports::triggerhouse::provider::http::{
        FetchError, Method, Request, Response, fetch,
    };
}

/// The imports that most providers need.
pub mod prelude {
    pub use crate::contract::description::{
        CredentialPlacement, HashAlgorithm, HmacScheme, Locator, PollingSource, SignatureEncoding,
        SignaturePosition, SignedPart, StandardWebhooksKey, StandardWebhooksScheme, TimestampRule,
        TimestampSource, TimestampUnit, TokenScheme, VerificationScheme, WebhookSource,
    };
    pub use crate::contract::types::{
        Event, Header, ParseError, PollError, PollPage, PollRequest, Verdict, WebhookRequest,
    };
    pub use crate::{
        Bounded, Describe, Filter, Fingerprint, Lenient, Outline, Payload, Polling, ReadError,
        Webhook, aside, capitalized, dedup_key, facts, first_line, hmac_sha256_hex, known,
        one_line, shorten, tail,
    };
    pub use schemars::JsonSchema;
    pub use serde::{Deserialize, Serialize};
}
