//! `/v1/inbox`: deliveries as they arrived, and what can be done about dead
//! letters.

use super::check::Checks;
use super::extract::{OptionalJsonBody, PathId, QueryOf};
use super::list::{Cursor, PageLimit, page};
use super::{AppState, Problem, Tenant};
use crate::clock;
use crate::domain::delivery::{Delivery, DeliveryContent};
use crate::domain::{DeliveryId, DeliveryStatus, IntegrationId, OrgId, Timestamp};
use crate::store::{DeadLetterChange, Page, RetryFilter, Signal};
use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list_inbox))
        .routes(routes!(get_delivery))
        .routes(routes!(retry_delivery))
        .routes(routes!(retry_deliveries))
        .routes(routes!(discard_delivery))
}

/// Which deliveries a list shows.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct InboxQuery {
    /// In this status; `failed` are the dead letters.
    status: Option<DeliveryStatus>,
    /// How many items.
    #[param(inline)]
    limit: Option<PageLimit>,
    /// The `next_cursor` of the page before.
    #[param(inline)]
    cursor: Option<Cursor>,
}

/// Dead letters that one call retries at most.
const RETRIES_MAX: u32 = 1_000;

/// Which dead letters are retried: all that fit.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RetryMany {
    /// Of this provider.
    provider: Option<String>,
    /// Of this integration.
    integration_id: Option<IntegrationId>,
    /// Received at this time or later.
    since: Option<Timestamp>,
}

/// What retrying dead letters did.
#[derive(Debug, Serialize, ToSchema)]
struct RetriedMany {
    /// How many wait for a worker now.
    retried: u64,
    /// Whether as many were retried as one call may: there may be more.
    more: bool,
}

/// One delivery.
#[derive(Debug, Serialize, ToSchema)]
struct DeliveryAnswer {
    delivery: Delivery,
}

/// One delivery with what was sent.
#[derive(Debug, Serialize, ToSchema)]
struct DeliveryDetails {
    delivery: DeliveryContent,
}

/// List deliveries
#[utoipa::path(get, path = "/v1/inbox", tag = "inbox", params(InboxQuery),
    responses((status = OK, description = "Newest first", body = Page<Delivery>)))]
async fn list_inbox(
    Tenant(org): Tenant,
    State(state): State<AppState>,
    QueryOf(query): QueryOf<InboxQuery>,
) -> Result<Json<Page<Delivery>>, Problem> {
    let page = page(query.limit, query.cursor);
    let deliveries = state.store().list_deliveries(&org, query.status, page);
    Ok(Json(deliveries.await?))
}

/// Get a delivery with its headers and its body
#[utoipa::path(get, path = "/v1/inbox/{id}", tag = "inbox", params(("id" = DeliveryId, Path)),
    responses((status = OK, description = "The delivery", body = DeliveryDetails)))]
async fn get_delivery(
    Tenant(org): Tenant,
    State(state): State<AppState>,
    PathId(id): PathId<DeliveryId>,
) -> Result<Json<DeliveryDetails>, Problem> {
    let delivery = state.store().delivery_content(&org, id).await?;
    delivery
        .map(|delivery| Json(DeliveryDetails { delivery }))
        .ok_or_else(|| Problem::not_found("delivery"))
}

/// Try a dead letter again
///
/// Its attempts are counted anew, and what was said of the last one is forgotten.
#[utoipa::path(post, path = "/v1/inbox/{id}/retry", tag = "inbox",
    params(("id" = DeliveryId, Path)),
    responses(
        (status = OK, description = "It waits for a worker", body = DeliveryAnswer),
        (status = CONFLICT, description = "The delivery is no dead letter",
            body = Problem, content_type = "application/problem+json")))]
async fn retry_delivery(
    Tenant(org): Tenant,
    State(state): State<AppState>,
    PathId(id): PathId<DeliveryId>,
) -> Result<Json<DeliveryAnswer>, Problem> {
    let delivery = change(&state, &org, id, DeadLetterChange::Retry).await?;
    state.signals().raise(Signal::Inbox);
    Ok(delivery)
}

/// Try dead letters again
///
/// Up to 1000, oldest first; each as if it were retried alone.
#[utoipa::path(post, path = "/v1/inbox/retry", tag = "inbox", request_body = Option<RetryMany>,
    responses((status = OK, description = "They wait for a worker", body = RetriedMany)))]
async fn retry_deliveries(
    Tenant(org): Tenant,
    State(state): State<AppState>,
    OptionalJsonBody(body): OptionalJsonBody<RetryMany>,
) -> Result<Json<RetriedMany>, Problem> {
    let mut checks = Checks::default();
    let filter = RetryFilter {
        provider: body.provider.map(|id| checks.reference("/provider", &id)),
        integration: body.integration_id,
        since: body.since,
    };
    checks.done()?;
    let retried = state
        .store()
        .retry_dead_letters(&org, &filter, RETRIES_MAX, clock::now())
        .await?;
    if retried > 0 {
        state.signals().raise(Signal::Inbox);
    }
    Ok(Json(RetriedMany {
        retried,
        more: retried == u64::from(RETRIES_MAX),
    }))
}

/// Give a dead letter up
#[utoipa::path(post, path = "/v1/inbox/{id}/discard", tag = "inbox",
    params(("id" = DeliveryId, Path)),
    responses(
        (status = OK, description = "It is kept until it is collected", body = DeliveryAnswer),
        (status = CONFLICT, description = "The delivery is no dead letter",
            body = Problem, content_type = "application/problem+json")))]
async fn discard_delivery(
    Tenant(org): Tenant,
    State(state): State<AppState>,
    PathId(id): PathId<DeliveryId>,
) -> Result<Json<DeliveryAnswer>, Problem> {
    change(&state, &org, id, DeadLetterChange::Discard).await
}

async fn change(
    state: &AppState,
    org: &OrgId,
    id: DeliveryId,
    change: DeadLetterChange,
) -> Result<Json<DeliveryAnswer>, Problem> {
    let store = state.store();
    let found = store
        .change_dead_letter(org, id, change, clock::now())
        .await?;
    match found {
        None => return Err(Problem::not_found("delivery")),
        Some(DeliveryStatus::Failed) => {}
        Some(status) => {
            let detail = format!("the delivery is {status}, so it is no dead letter");
            return Err(Problem::conflict(detail));
        }
    }
    let delivery = store.delivery(org, id).await?;
    delivery
        .map(|delivery| Json(DeliveryAnswer { delivery }))
        .ok_or_else(|| Problem::not_found("delivery"))
}
