//! What the host knows about a loaded provider.

use crate::domain::source::{PollingSource, WebhookScheme};
use crate::domain::text_enum::text_enum;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// A provider's description, checked by the registry, and the facts of its
/// component. This is what `/providers` shows.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ProviderInfo {
    /// The id under which it is registered.
    pub id: String,
    /// The name for people.
    pub name: String,
    /// One or two sentences for people.
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
    /// How its webhooks are signed and identified.
    pub webhook: Option<WebhookScheme>,
    /// What its polling needs.
    pub polling: Option<PollingSource>,
    /// SHA-256 of the component, in hexadecimal digits.
    pub digest: String,
    /// Whether it can run.
    pub state: ProviderState,
}

text_enum! {
    /// What a provider can do.
    pub enum ProviderKind {
        /// Its service calls us.
        Webhook = "webhook",
        /// It calls its service.
        Polling = "polling",
    }
}

text_enum! {
    /// Whether a provider can run.
    pub enum ProviderState {
        /// Loaded and ready.
        Active = "active",
        /// Registered, but switched off by the operator.
        Disabled = "disabled",
    }
}
