//! Changes triggers.

use super::answer::{self, TriggerAnswer};
use super::create::check_integration;
use crate::api::check::Checks;
use crate::api::extract::{JsonBody, PathId, present};
use crate::api::{AppState, Problem, Tenant};
use crate::clock;
use crate::domain::{IntegrationId, TriggerId};
use crate::store::{Signal, TriggerPatch};
use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

/// What may change about a trigger; what is absent stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = TriggerChange)]
pub(super) struct Change {
    /// For people: 1 to 200 characters.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    name: Option<String>,
    /// Which events it wants, after the provider's schema.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Object, nullable = false, required = false)]
    config: Option<Value>,
    /// A disabled trigger sees nothing.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    enabled: Option<bool>,
    /// The account whose deliveries it sees; null for none.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<IntegrationId>)]
    integration_id: Option<Option<IntegrationId>>,
}

/// Change a trigger
#[utoipa::path(patch, path = "/v1/triggers/{id}", tag = "triggers",
    params(("id" = TriggerId, Path)), request_body = Change,
    responses((status = OK, description = "Changed", body = TriggerAnswer)))]
pub(super) async fn update_trigger(
    Tenant(org): Tenant,
    State(state): State<AppState>,
    PathId(id): PathId<TriggerId>,
    JsonBody(change): JsonBody<Change>,
) -> Result<Json<TriggerAnswer>, Problem> {
    let store = state.store();
    let not_found = || Problem::not_found("trigger");
    let (before, _) = store.trigger(&org, id).await?.ok_or_else(not_found)?;

    let mut checks = Checks::default();
    let name = change.name.map(|name| checks.name("/name", &name));
    if let Some(config) = &change.config {
        // A provider that is switched off still has its schema.
        match state.registry().get(&before.provider) {
            Some(provider) => checks.config(&provider, config),
            None => checks.add(
                "/config",
                format!("cannot be checked: {} is not registered", before.provider),
            ),
        }
    }
    if let Some(Some(integration)) = change.integration_id {
        check_integration(&mut checks, &state, &org, integration, &before.provider).await?;
    }
    checks.done()?;

    let patch = TriggerPatch {
        name,
        config: change.config,
        enabled: change.enabled,
        integration: change.integration_id,
    };
    let changed = store.update_trigger(&org, id, &patch, clock::now()).await?;
    let (trigger, token) = changed.ok_or_else(not_found)?;
    state.signals().raise(Signal::Routes);
    Ok(Json(TriggerAnswer {
        trigger,
        webhook_url: answer::webhook_url(&state, token),
    }))
}
