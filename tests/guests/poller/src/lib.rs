//! `poller`: returns one event per poll, with the number of polls as its cursor. It sends its
//! request to the `base_url` of its settings.
//!
//! A cursor that is an object is a script instead; see `script.rs`.

#[path = "../../script.rs"]
mod script;

use triggerhouse_sdk::contract::description::CredentialPlacement;
use triggerhouse_sdk::http::{Method, Request, fetch};
use triggerhouse_sdk::prelude::*;

struct Poller;

/// A configuration without fields.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Config {}

impl Describe for Poller {
    const ID: &'static str = "poller";
    const NAME: &'static str = "Poller";
    const DESCRIPTION: &'static str = "Finds one event per poll.";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");

    fn polling() -> Option<PollingSource> {
        Some(PollingSource {
            allowed_hosts: vec!["api.example.com".into(), "localhost".into()],
            credential: Some(CredentialPlacement::Bearer),
            default_interval_seconds: 60,
        })
    }
}

impl Filter for Poller {
    type Config = Config;
    type Facts = serde_json::Value;

    fn matches(_event: &Event, facts: &Self::Facts, _config: &Config) -> Verdict {
        script::verdict(facts)
    }
}

impl Polling for Poller {
    fn poll(request: PollRequest) -> Result<PollPage, PollError> {
        if let Some(script) = script::of(&request) {
            return script::run(&script, &request);
        }
        let polls: u64 = request
            .cursor
            .and_then(|text| text.parse().ok())
            .unwrap_or(0);
        let settings: serde_json::Value =
            serde_json::from_str(&request.settings).unwrap_or_default();
        let base = settings["base_url"]
            .as_str()
            .unwrap_or("https://api.example.com");
        fetch(&Request {
            method: Method::Get,
            url: format!("{base}/items"),
            headers: vec![],
            body: None,
        })
        .map_err(|error| PollError::Unavailable(format!("{error:?}")))?;
        Ok(PollPage {
            events: vec![Event {
                dedup_key: format!("poller:{polls}"),
                kind: "polled".into(),
                occurred_at: Some(request.now),
                title: format!("Poll {polls}"),
                url: None,
                actor: None,
                facts: facts(&serde_json::json!({ "poll": polls })),
            }],
            cursor: (polls + 1).to_string(),
            more: false,
        })
    }
}

triggerhouse_sdk::register!(Poller: polling);
