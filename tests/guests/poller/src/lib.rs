//! `poller`: one event per poll, and the number of polls as its cursor.

use triggerhouse_sdk::prelude::*;

struct Poller;

/// What a trigger may ask for.
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
            allowed_hosts: vec!["api.example.com".into()],
            credential: None,
            default_interval_seconds: 60,
        })
    }
}

impl Filter for Poller {
    type Config = Config;
    type Facts = serde_json::Value;

    fn matches(_event: &Event, _facts: &Self::Facts, _config: &Config) -> Verdict {
        Verdict::Accept
    }
}

impl Polling for Poller {
    fn poll(request: PollRequest) -> Result<PollPage, PollError> {
        use triggerhouse_sdk::http::{Method, Request, fetch};
        let polls: u64 = request
            .cursor
            .and_then(|text| text.parse().ok())
            .unwrap_or(0);
        let url = "https://api.example.com/items".into();
        fetch(&Request {
            method: Method::Get,
            url,
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
