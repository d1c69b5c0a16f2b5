//! A loaded provider, as the host and `/providers` know it.

use crate::domain::source::{PollingSource, WebhookScheme};
use crate::domain::text_enum::text_enum;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// A provider's checked description, and facts about its component. `/providers` shows it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ProviderInfo {
    /// The registered id.
    pub id: String,
    /// The display name.
    pub name: String,
    /// One or two sentences about the provider.
    pub description: String,
    /// The provider's own version.
    pub version: String,
    /// The contract that the component was built against, as `1.0.0`.
    pub contract: String,
    /// `webhook`, `polling` or both.
    pub kinds: Vec<ProviderKind>,
    /// JSON Schema of a trigger's configuration.
    pub config_schema: Value,
    /// JSON Schema of the operator's settings.
    pub settings_schema: Option<Value>,
    /// The signatures and identifiers of its webhooks.
    pub webhook: Option<WebhookScheme>,
    /// The requirements of its polling.
    pub polling: Option<PollingSource>,
    /// The SHA-256 of the component, in hexadecimal digits.
    pub digest: String,
    /// The state of the provider.
    pub state: ProviderState,
}

text_enum! {
    /// The way in which a provider gets events.
    pub enum ProviderKind {
        /// Its service sends webhooks.
        Webhook = "webhook",
        /// It polls its service.
        Polling = "polling",
    }
}

text_enum! {
    /// The state of a provider.
    pub enum ProviderState {
        /// Loaded and ready.
        Active = "active",
        /// Registered, but disabled by the operator.
        Disabled = "disabled",
    }
}
