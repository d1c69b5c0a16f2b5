//! `bad-schema`: its configuration schema contains `"type": "sometimes"`.

use triggerhouse_sdk::bindings::describe::exports::triggerhouse::provider::describe;
use triggerhouse_sdk::bindings::filter::exports::triggerhouse::provider::filter;
use triggerhouse_sdk::bindings::webhook::exports::triggerhouse::provider::webhook;
use triggerhouse_sdk::contract::description::{ProviderInfo, WebhookSource};
use triggerhouse_sdk::contract::types::{Event, ParseError, Verdict, WebhookRequest};

struct BadSchema;

impl describe::Guest for BadSchema {
    fn info() -> ProviderInfo {
        ProviderInfo {
            id: "bad-schema".into(),
            name: "Bad schema".into(),
            description: "Its configuration schema is not a JSON Schema.".into(),
            version: "0.1.0".into(),
            config_schema: r#"{"type": "object", "properties": {"a": {"type": "sometimes"}}}"#
                .into(),
            settings_schema: None,
            webhook: Some(WebhookSource {
                verification: vec![triggerhouse_sdk::hmac_sha256_hex("x-signature", "")],
                delivery_id: vec![],
                account: vec![],
                handshakes: vec![],
            }),
            polling: None,
        }
    }
}

impl filter::Guest for BadSchema {
    fn matches(_event: Event, configs: Vec<String>) -> Vec<Verdict> {
        vec![Verdict::Accept; configs.len()]
    }
}

impl webhook::Guest for BadSchema {
    fn parse(_request: WebhookRequest) -> Result<Vec<Event>, ParseError> {
        Ok(vec![])
    }
}

triggerhouse_sdk::bindings::describe::export_describe!(
    BadSchema with_types_in triggerhouse_sdk::bindings::describe
);
triggerhouse_sdk::bindings::filter::export_filter!(
    BadSchema with_types_in triggerhouse_sdk::bindings::filter
);
triggerhouse_sdk::bindings::webhook::export_webhook!(
    BadSchema with_types_in triggerhouse_sdk::bindings::webhook
);
