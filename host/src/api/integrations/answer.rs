//! Integrations as answers show them.

use crate::api::AppState;
use crate::domain::integration::Integration;
use serde::Serialize;
use utoipa::ToSchema;

/// An integration with its URL: the shape that all answers share.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct IntegrationAnswer {
    #[serde(flatten)]
    integration: Integration,
    /// The URL for deliveries to this integration's triggers; null if its provider takes
    /// no webhooks.
    webhook_url: Option<String>,
}

/// A new integration.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CreatedIntegration {
    integration: IntegrationAnswer,
    /// The integration's `webhook_url`, repeated.
    webhook_url: Option<String>,
}

/// An integration with its new secret.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct IntegrationWithSecret {
    pub(super) integration: IntegrationAnswer,
    /// The secret that signs deliveries. It is shown only once; null if the request
    /// brought it.
    pub(super) webhook_secret: Option<String>,
}

impl IntegrationAnswer {
    pub(super) fn new(state: &AppState, integration: Integration) -> Self {
        Self {
            webhook_url: webhook_url(state, &integration),
            integration,
        }
    }

    pub(super) fn created(self) -> CreatedIntegration {
        CreatedIntegration {
            webhook_url: self.webhook_url.clone(),
            integration: self,
        }
    }
}

fn webhook_url(state: &AppState, integration: &Integration) -> Option<String> {
    let provider = state.registry().get(&integration.provider)?;
    provider.info().webhook.as_ref()?;
    Some(format!(
        "{}/webhooks/direct/{}/{}",
        state.config().public_url(),
        integration.provider,
        integration.id
    ))
}
