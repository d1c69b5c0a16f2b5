//! Replaces an integration's webhook secret.

use super::answer::{IntegrationAnswer, IntegrationWithSecret};
use crate::api::extract::{OptionalJsonBody, PathId};
use crate::api::found::Found as _;
use crate::api::rotation::Rotation;
use crate::api::{AppState, Problem, Tenant};
use crate::domain::IntegrationId;
use crate::store::RouteSubject;
use axum::Json;
use axum::extract::State;

/// Replace an integration's webhook secret
///
/// The new secret is accepted at once. Earlier ones stay valid for `overlap_seconds`.
#[utoipa::path(post, path = "/v1/integrations/{id}/rotate-secret", tag = "integrations",
    params(("id" = IntegrationId, Path)), request_body = Option<Rotation>,
    responses(
        (status = OK, description = "Replaced", body = IntegrationWithSecret),
        (status = CONFLICT, description = "The provider is not registered, or takes no webhooks")))]
pub(super) async fn rotate_integration_secret(
    Tenant(org): Tenant,
    State(state): State<AppState>,
    PathId(id): PathId<IntegrationId>,
    OptionalJsonBody(rotation): OptionalJsonBody<Rotation>,
) -> Result<Json<IntegrationWithSecret>, Problem> {
    rotation.check()?;
    let store = state.store();
    let before = store.integration(&org, id).await?.or_404("integration")?;
    let subject = RouteSubject::Integration(id);
    let made = rotation.apply(&state, &org, subject, &before.provider);
    let webhook_secret = made.await?;
    let integration = store.integration(&org, id).await?.or_404("integration")?;
    Ok(Json(IntegrationWithSecret {
        integration: IntegrationAnswer::new(&state, integration),
        webhook_secret,
    }))
}
