//! The Gmail provider: every message that reaches a mailbox becomes one event of
//! Triggerhouse, and a trigger's configuration picks the ones it wants.
//!
//! ```text
//! settings   what the operator says              → the base URL
//! api/       requests and answers of the API     → values, or what went wrong
//! cursor/    what is remembered between polls    → versioned JSON
//! needs      what the active configurations ask for
//! poll/      one poll: scan, fetch, stop in time → a page of events
//! message/   one message                         → event and facts
//! filter/    configuration and verdict           → facts only, never the mailbox
//! ```
//!
//! Three rules hold everywhere. The cursor never passes a message that was not
//! handed over, so a lost page, an error or a crash repeats work and loses
//! nothing. One call asks for a bounded number of things, and says that more is
//! waiting. And nothing grows with a message: bodies are never fetched, every
//! text and list has a limit.

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
            // An idle poll costs 3 of the 6,000 units that a user has per minute.
            // People wait a minute for an automation; Google's servers need not
            // be asked more often.
            default_interval_seconds: 60,
        })
    }

    fn settings_schema() -> Option<String> {
        Some(triggerhouse_sdk::schema_of::<Settings>())
    }
}

#[cfg(target_family = "wasm")]
impl Polling for Gmail {
    fn poll(request: PollRequest) -> Result<PollPage, PollError> {
        poll::poll(&api::Host, &request)
    }
}

#[cfg(target_family = "wasm")]
triggerhouse_sdk::register!(Gmail: polling);

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;
    use triggerhouse_sdk::provider_info;

    #[test]
    fn only_gmails_own_host_is_asked_for_with_the_token_as_bearer() {
        let source = provider_info::<Gmail>().polling.unwrap();
        assert_eq!(source.allowed_hosts, ["gmail.googleapis.com"]);
        assert_eq!(source.credential, Some(CredentialPlacement::Bearer));
        assert_eq!(source.default_interval_seconds, 60);
    }

    #[test]
    fn the_schemas_refuse_unknown_fields_and_describe_every_field() {
        let info = provider_info::<Gmail>();
        for schema in [info.config_schema, info.settings_schema.unwrap()] {
            let schema: Value = serde_json::from_str(&schema).unwrap();
            assert_eq!(schema["additionalProperties"], Value::Bool(false));
            assert!(schema.get("required").is_none());
            for (field, property) in schema["properties"].as_object().unwrap() {
                assert!(
                    property["description"].is_string(),
                    "{field} has no description"
                );
            }
        }
    }
}
