//! `neither`: exports neither `webhook` nor `polling`.

use triggerhouse_sdk::bindings::describe::exports::triggerhouse::provider::describe;
use triggerhouse_sdk::bindings::filter::exports::triggerhouse::provider::filter;
use triggerhouse_sdk::contract::description::ProviderInfo;
use triggerhouse_sdk::contract::types::{Event, Verdict};

struct Neither;

impl describe::Guest for Neither {
    fn info() -> ProviderInfo {
        ProviderInfo {
            id: "neither".into(),
            name: "Neither".into(),
            description: "Takes no events.".into(),
            version: "0.1.0".into(),
            config_schema: "{}".into(),
            settings_schema: None,
            webhook: None,
            polling: None,
        }
    }
}

impl filter::Guest for Neither {
    fn matches(_event: Event, configs: Vec<String>) -> Vec<Verdict> {
        vec![Verdict::Accept; configs.len()]
    }
}

triggerhouse_sdk::bindings::describe::export_describe!(
    Neither with_types_in triggerhouse_sdk::bindings::describe
);
triggerhouse_sdk::bindings::filter::export_filter!(
    Neither with_types_in triggerhouse_sdk::bindings::filter
);
