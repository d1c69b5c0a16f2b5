//! `/v1/triggers/{id}/hold`, `/resume`, and the same for integrations: deliveries are
//! stored and wait for a person.

use super::extract::{OptionalJsonBody, PathId};
use super::found::Found as _;
use super::{AppState, Problem, Tenant};
use crate::clock;
use crate::domain::resource::TriggerKind;
use crate::domain::{IntegrationId, OrgId, Timestamp, TriggerId};
use crate::store::{HeldChange, Resumed, RouteSubject};
use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Held deliveries that one transaction changes.
const RESUMED_MAX: u32 = 1_000;
/// Transactions of one call.
const TURNS_MAX: u32 = 10;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(hold_trigger))
        .routes(routes!(resume_trigger))
        .routes(routes!(hold_integration))
        .routes(routes!(resume_integration))
}

/// A hold.
#[derive(Debug, Serialize, ToSchema)]
struct OnHold {
    /// The time since which it lasts.
    held_at: Timestamp,
}

/// The deliveries that were held.
#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Held {
    /// Process them, in the order of receipt.
    #[default]
    Process,
    /// Discard them.
    Discard,
}

/// The end of a hold.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Resume {
    /// The fate of the deliveries that were held; `process` if it is missing.
    #[serde(default)]
    held: Held,
}

/// The result of resuming.
#[derive(Debug, Serialize, ToSchema)]
struct ResumedMany {
    /// Deliveries that were held and no longer are.
    deliveries: u64,
    /// True if the call reached its limit: call it again for the rest.
    more: bool,
}

/// Put a trigger on hold
///
/// Senders still get 200. Deliveries get the status `held` until the trigger is resumed.
/// Other triggers of the same delivery are not affected.
#[utoipa::path(post, path = "/v1/triggers/{id}/hold", tag = "triggers",
    params(("id" = TriggerId, Path)),
    responses(
        (status = OK, description = "On hold", body = OnHold),
        (status = CONFLICT, description = "The trigger gets no deliveries: disable it instead")))]
async fn hold_trigger(
    Tenant(org): Tenant,
    State(state): State<AppState>,
    PathId(id): PathId<TriggerId>,
) -> Result<Json<OnHold>, Problem> {
    let (trigger, _) = state.store().trigger(&org, id).await?.or_404("trigger")?;
    if trigger.kind != TriggerKind::Webhook {
        let detail = format!(
            "a {} trigger gets no deliveries: disable it instead",
            trigger.kind
        );
        return Err(Problem::conflict(detail));
    }
    hold(&state, &org, RouteSubject::Trigger(id), "trigger").await
}

/// Resume a trigger
#[utoipa::path(post, path = "/v1/triggers/{id}/resume", tag = "triggers",
    params(("id" = TriggerId, Path)), request_body = Option<Resume>,
    responses((status = OK, description = "Resumed", body = ResumedMany)))]
async fn resume_trigger(
    Tenant(org): Tenant,
    State(state): State<AppState>,
    PathId(id): PathId<TriggerId>,
    OptionalJsonBody(body): OptionalJsonBody<Resume>,
) -> Result<Json<ResumedMany>, Problem> {
    resume(&state, &org, RouteSubject::Trigger(id), body, "trigger").await
}

/// Put an integration on hold
///
/// Senders still get 200. Deliveries get the status `held` until the integration is resumed.
/// Polls go on: disable a polling trigger to stop it.
#[utoipa::path(post, path = "/v1/integrations/{id}/hold", tag = "integrations",
    params(("id" = IntegrationId, Path)),
    responses((status = OK, description = "On hold", body = OnHold)))]
async fn hold_integration(
    Tenant(org): Tenant,
    State(state): State<AppState>,
    PathId(id): PathId<IntegrationId>,
) -> Result<Json<OnHold>, Problem> {
    hold(&state, &org, RouteSubject::Integration(id), "integration").await
}

/// Resume an integration
#[utoipa::path(post, path = "/v1/integrations/{id}/resume", tag = "integrations",
    params(("id" = IntegrationId, Path)), request_body = Option<Resume>,
    responses((status = OK, description = "Resumed", body = ResumedMany)))]
async fn resume_integration(
    Tenant(org): Tenant,
    State(state): State<AppState>,
    PathId(id): PathId<IntegrationId>,
    OptionalJsonBody(body): OptionalJsonBody<Resume>,
) -> Result<Json<ResumedMany>, Problem> {
    let subject = RouteSubject::Integration(id);
    resume(&state, &org, subject, body, "integration").await
}

async fn hold(
    state: &AppState,
    org: &OrgId,
    subject: RouteSubject,
    noun: &'static str,
) -> Result<Json<OnHold>, Problem> {
    let held = state.store().hold(org, subject, clock::now()).await?;
    let held_at = held.or_404(noun)?;
    Ok(Json(OnHold { held_at }))
}

async fn resume(
    state: &AppState,
    org: &OrgId,
    subject: RouteSubject,
    body: Resume,
    noun: &'static str,
) -> Result<Json<ResumedMany>, Problem> {
    let change = match body.held {
        Held::Process => HeldChange::Process,
        Held::Discard => HeldChange::Discard,
    };
    let (store, mut deliveries) = (state.store(), 0);
    let mut resumed = Resumed::default();
    for _ in 0..TURNS_MAX {
        let turn = store.resume(org, subject, change, RESUMED_MAX, clock::now());
        resumed = turn.await?.or_404(noun)?;
        deliveries += resumed.deliveries;
        if !resumed.more {
            break;
        }
    }
    Ok(Json(ResumedMany {
        deliveries,
        more: resumed.more,
    }))
}
