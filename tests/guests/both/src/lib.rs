//! `both`: takes webhooks and polls. Its credential is in the query, and it follows a
//! script like `poller`.

#[path = "../../script.rs"]
mod script;

use triggerhouse_sdk::contract::description::CredentialPlacement;
use triggerhouse_sdk::prelude::*;

struct Both;

/// A configuration without fields.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Config {}

impl Describe for Both {
    const ID: &'static str = "both";
    const NAME: &'static str = "Both";
    const DESCRIPTION: &'static str = "Takes webhooks and polls.";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");

    fn webhook() -> Option<WebhookSource> {
        Some(WebhookSource {
            verification: vec![hmac_sha256_hex("x-both-signature", "")],
            delivery_id: vec![],
            account: vec![],
            handshakes: vec![],
        })
    }

    fn polling() -> Option<PollingSource> {
        Some(PollingSource {
            allowed_hosts: vec!["api.example.com:8443".into()],
            credential: Some(CredentialPlacement::Query("key".into())),
            default_interval_seconds: 60,
        })
    }
}

impl Filter for Both {
    type Config = Config;
    type Facts = serde_json::Value;

    fn matches(_event: &Event, facts: &Self::Facts, _config: &Config) -> Verdict {
        script::verdict(facts)
    }
}

impl Webhook for Both {
    fn parse(_request: WebhookRequest) -> Result<Vec<Event>, ParseError> {
        Err(ParseError::Ignored("nothing".into()))
    }
}

impl Polling for Both {
    fn poll(request: PollRequest) -> Result<PollPage, PollError> {
        if let Some(script) = script::of(&request) {
            return script::run(&script, &request);
        }
        let cursor = request.cursor.unwrap_or_else(|| "null".into());
        Ok(PollPage {
            events: vec![],
            cursor,
            more: false,
        })
    }
}

triggerhouse_sdk::register!(Both: webhook, polling);
