//! How integrations look in answers.

use crate::api::AppState;
use crate::domain::integration::Integration;
use serde::Serialize;
use utoipa::ToSchema;

/// An integration in a list.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct IntegrationItem {
    #[serde(flatten)]
    integration: Integration,
    /// Where its deliveries may be sent; null if its provider takes none.
    webhook_url: Option<String>,
}

/// An integration with its URL.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct IntegrationAnswer {
    integration: Integration,
    /// Where its deliveries may be sent; null if its provider takes none.
    webhook_url: Option<String>,
}

/// An integration that was given a secret.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RotatedIntegration {
    pub(super) integration: Integration,
    /// What its deliveries must be signed with, if it was made here. Shown this
    /// once; null if the request brought one.
    pub(super) webhook_secret: Option<String>,
}

impl IntegrationItem {
    pub(super) fn new(state: &AppState, integration: Integration) -> Self {
        Self {
            webhook_url: webhook_url(state, &integration),
            integration,
        }
    }
}

impl IntegrationAnswer {
    pub(super) fn new(state: &AppState, integration: Integration) -> Self {
        Self {
            webhook_url: webhook_url(state, &integration),
            integration,
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
