//! Gives a trigger's URL a new secret.

use super::answer::{self, CreatedTrigger};
use crate::api::check::Checks;
use crate::api::extract::{JsonBody, PathId};
use crate::api::rotation::{check_overlap, overlap_default, rotate, webhook_source};
use crate::api::{AppState, Problem, Tenant};
use crate::domain::TriggerId;
use crate::secret::generate_webhook_secret;
use crate::store::RouteSubject;
use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use utoipa::ToSchema;

/// How a trigger's secret is replaced.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = TriggerSecretRotation)]
pub(super) struct Rotation {
    /// How long the secrets before are still accepted, in seconds: 0 to 604800. 0
    /// if one has leaked: it is refused at once then.
    #[serde(default = "overlap_default")]
    #[schema(default = 3600, maximum = 604800)]
    overlap_seconds: u64,
}

/// Replace a trigger's webhook secret
///
/// The new one is accepted at once and shown this once; those before, for
/// `overlap_seconds` more. The URL stays.
#[utoipa::path(post, path = "/v1/triggers/{id}/rotate-secret", tag = "triggers",
    params(("id" = TriggerId, Path)), request_body = Rotation,
    responses(
        (status = OK, description = "Replaced", body = CreatedTrigger),
        (status = CONFLICT, description = "The provider is not registered just now",
            body = Problem, content_type = "application/problem+json")))]
pub(super) async fn rotate_trigger_secret(
    Tenant(org): Tenant,
    State(state): State<AppState>,
    PathId(id): PathId<TriggerId>,
    JsonBody(rotation): JsonBody<Rotation>,
) -> Result<Json<CreatedTrigger>, Problem> {
    let mut checks = Checks::default();
    check_overlap(&mut checks, rotation.overlap_seconds);
    checks.done()?;
    let store = state.store();
    let not_found = || Problem::not_found("trigger");
    let (before, _) = store.trigger(&org, id).await?.ok_or_else(not_found)?;
    let secret = generate_webhook_secret(&webhook_source(&state, &before.provider)?);
    let subject = RouteSubject::Trigger(id);
    rotate(&state, &org, subject, &secret, rotation.overlap_seconds).await?;
    let (trigger, token) = store.trigger(&org, id).await?.ok_or_else(not_found)?;
    Ok(Json(CreatedTrigger {
        trigger,
        webhook_url: answer::webhook_url(&state, token),
        webhook_secret: secret.expose().to_owned(),
    }))
}
