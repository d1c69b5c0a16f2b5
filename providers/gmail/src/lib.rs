//! The Gmail provider: turns every message that reaches a mailbox into one Triggerhouse event,
//! and decides which configurations want it.
//!
//! ```text
//! settings   the operator's settings               → the base URL, the quota
//! api/       requests and answers of the API       → values or failures
//! cursor/    the state between polls               → versioned JSON
//! needs      the union of all configurations
//! poll/      one poll: scan, fetch, stop in time   → a page of events
//! message/   one message                           → event and facts
//! filter/    configuration and verdict             → facts only, never the mailbox
//! ```
//!
//! Three rules hold everywhere. The cursor never passes a message that was not delivered, so a
//! lost page, an error or a crash repeats work and loses nothing. One call sends a bounded
//! number of requests, and reports when more messages are waiting. And nothing grows with a
//! message: bodies are never fetched, and every text and list is limited.

pub mod api;
pub mod cursor;
pub mod facts;
pub mod filter;
mod log;
mod message;
mod needs;
mod poll;
mod settings;

pub use facts::Facts;
pub use filter::Config;
pub use poll::poll;
pub use settings::Settings;

use triggerhouse_sdk::prelude::*;

/// The provider.
pub struct Gmail;

impl Describe for Gmail {
    const ID: &'static str = "gmail";
    const NAME: &'static str = "Gmail";
    const DESCRIPTION: &'static str =
        "New messages of a Gmail mailbox, by label, sender, recipient, subject or mailing list.";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");

    fn polling() -> Option<PollingSource> {
        Some(PollingSource {
            allowed_hosts: vec!["gmail.googleapis.com".into()],
            credential: Some(CredentialPlacement::Bearer),
            // An idle poll costs 3 of the 6,000 units that a user has per minute. People
            // wait a minute for an automation, so more frequent polls gain nothing.
            default_interval_seconds: 60,
        })
    }

    fn settings_schema() -> Option<String> {
        Some(triggerhouse_sdk::schema_of::<Settings>())
    }
}

#[cfg(target_family = "wasm")]
triggerhouse_sdk::register!(Gmail: polling);

#[cfg(test)]
mod tests {
    use super::*;
    use triggerhouse_sdk::{provider_info, testing};

    #[test]
    fn gmails_host_is_the_only_one_and_gets_the_token_as_bearer() {
        let source = provider_info::<Gmail>().polling.unwrap();
        assert_eq!(source.allowed_hosts, ["gmail.googleapis.com"]);
        assert_eq!(source.credential, Some(CredentialPlacement::Bearer));
        assert_eq!(source.default_interval_seconds, 60);
    }

    #[test]
    fn the_schemas_refuse_unknown_fields_and_describe_every_field() {
        let info = provider_info::<Gmail>();
        testing::assert_explains(&info.config_schema);
        testing::assert_explains(&info.settings_schema.unwrap());
    }
}
