//! Gives an integration a new webhook secret.

use super::answer::RotatedIntegration;
use crate::api::check::Checks;
use crate::api::extract::{OptionalJsonBody, PathId};
use crate::api::rotation::{check_overlap, check_secret, given_or_made, overlap_default, rotate};
use crate::api::{AppState, Problem, Tenant};
use crate::domain::IntegrationId;
use crate::secret::Secret;
use crate::store::RouteSubject;
use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use utoipa::ToSchema;

/// How an integration's secret is replaced.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = IntegrationSecretRotation)]
pub(super) struct Rotation {
    /// The new secret: 1 to 1024 bytes. Absent: one is made, and shown this once.
    #[schema(value_type = Option<String>, write_only)]
    secret: Option<Secret>,
    /// How long the secrets before are still accepted, in seconds: 0 to 604800. 0
    /// if one has leaked: it is refused at once then.
    #[serde(default = "overlap_default")]
    #[schema(default = 3600, maximum = 604800)]
    overlap_seconds: u64,
}

impl Default for Rotation {
    fn default() -> Self {
        Self {
            secret: None,
            overlap_seconds: overlap_default(),
        }
    }
}

/// Replace an integration's webhook secret
///
/// The new one is accepted at once; those before, for `overlap_seconds` more.
#[utoipa::path(post, path = "/v1/integrations/{id}/rotate-secret", tag = "integrations",
    params(("id" = IntegrationId, Path)), request_body = Option<Rotation>,
    responses(
        (status = OK, description = "Replaced", body = RotatedIntegration),
        (status = CONFLICT, description = "A secret cannot be made: the provider is not \
            registered just now, or takes no webhooks",
            body = Problem, content_type = "application/problem+json")))]
pub(super) async fn rotate_integration_secret(
    Tenant(org): Tenant,
    State(state): State<AppState>,
    PathId(id): PathId<IntegrationId>,
    OptionalJsonBody(rotation): OptionalJsonBody<Rotation>,
) -> Result<Json<RotatedIntegration>, Problem> {
    let mut checks = Checks::default();
    check_overlap(&mut checks, rotation.overlap_seconds);
    check_secret(&mut checks, rotation.secret.as_ref());
    checks.done()?;
    let store = state.store();
    let not_found = || Problem::not_found("integration");
    let before = store.integration(&org, id).await?.ok_or_else(not_found)?;
    let (secret, made) = given_or_made(&state, &before.provider, rotation.secret)?;
    let subject = RouteSubject::Integration(id);
    rotate(&state, &org, subject, &secret, rotation.overlap_seconds).await?;
    Ok(Json(RotatedIntegration {
        integration: store.integration(&org, id).await?.ok_or_else(not_found)?,
        webhook_secret: made,
    }))
}
