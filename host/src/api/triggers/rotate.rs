//! Replaces the secret of a trigger's URL.

use super::answer::{TriggerAnswer, TriggerWithSecret};
use crate::api::extract::{OptionalJsonBody, PathId};
use crate::api::found::Found as _;
use crate::api::rotation::Rotation;
use crate::api::{AppState, Problem, Tenant};
use crate::domain::TriggerId;
use crate::store::RouteSubject;
use axum::Json;
use axum::extract::State;

/// Replace a trigger's webhook secret
///
/// The new secret is accepted at once. Earlier ones stay valid for `overlap_seconds`. The
/// URL stays the same. Some services make the secret themselves once they know the URL;
/// pass it here as `secret`.
#[utoipa::path(post, path = "/v1/triggers/{id}/rotate-secret", tag = "triggers",
    params(("id" = TriggerId, Path)), request_body = Option<Rotation>,
    responses(
        (status = OK, description = "Replaced", body = TriggerWithSecret),
        (status = CONFLICT, description = "The provider is not registered, or takes no webhooks")))]
pub(super) async fn rotate_trigger_secret(
    Tenant(org): Tenant,
    State(state): State<AppState>,
    PathId(id): PathId<TriggerId>,
    OptionalJsonBody(rotation): OptionalJsonBody<Rotation>,
) -> Result<Json<TriggerWithSecret>, Problem> {
    rotation.check()?;
    let store = state.store();
    let (before, _) = store.trigger(&org, id).await?.or_404("trigger")?;
    let subject = RouteSubject::Trigger(id);
    let made = rotation.apply(&state, &org, subject, &before.provider);
    let made = made.await?;
    let (trigger, token) = store.trigger(&org, id).await?.or_404("trigger")?;
    let answer = TriggerAnswer::new(&state, trigger, token);
    Ok(Json(answer.with_secret(made)))
}
