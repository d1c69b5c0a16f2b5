//! Gives a trigger's URL a new secret.

use super::answer::{self, RotatedTrigger};
use crate::api::check::Checks;
use crate::api::extract::{OptionalJsonBody, PathId};
use crate::api::rotation::{check_overlap, check_secret, given_or_made, overlap_default, rotate};
use crate::api::{AppState, Problem, Tenant};
use crate::domain::TriggerId;
use crate::secret::Secret;
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

/// Replace a trigger's webhook secret
///
/// The new one is accepted at once; those before, for `overlap_seconds` more. The
/// URL stays. Some services make the secret themselves, once they know the URL: it is
/// given to the trigger here.
#[utoipa::path(post, path = "/v1/triggers/{id}/rotate-secret", tag = "triggers",
    params(("id" = TriggerId, Path)), request_body = Option<Rotation>,
    responses(
        (status = OK, description = "Replaced", body = RotatedTrigger),
        (status = CONFLICT, description = "The provider is not registered just now",
            body = Problem, content_type = "application/problem+json")))]
pub(super) async fn rotate_trigger_secret(
    Tenant(org): Tenant,
    State(state): State<AppState>,
    PathId(id): PathId<TriggerId>,
    OptionalJsonBody(rotation): OptionalJsonBody<Rotation>,
) -> Result<Json<RotatedTrigger>, Problem> {
    let mut checks = Checks::default();
    check_overlap(&mut checks, rotation.overlap_seconds);
    check_secret(&mut checks, rotation.secret.as_ref());
    checks.done()?;
    let store = state.store();
    let not_found = || Problem::not_found("trigger");
    let (before, _) = store.trigger(&org, id).await?.ok_or_else(not_found)?;
    let (secret, made) = given_or_made(&state, &before.provider, rotation.secret)?;
    let subject = RouteSubject::Trigger(id);
    rotate(&state, &org, subject, &secret, rotation.overlap_seconds).await?;
    let (trigger, token) = store.trigger(&org, id).await?.ok_or_else(not_found)?;
    Ok(Json(RotatedTrigger {
        trigger,
        webhook_url: answer::webhook_url(&state, token),
        webhook_secret: made,
    }))
}
