//! `/v1/inbox`: deliveries as they arrived, and the retry and discard of dead letters.

use super::check::Checks;
use super::extract::{OptionalJsonBody, PathId, QueryOf};
use super::found::Found as _;
use super::list::{Cursor, PageLimit, page};
use super::values::Reference;
use super::{AppState, Problem, Tenant};
use crate::clock;
use crate::domain::delivery::{Delivery, DeliveryContent};
use crate::domain::{DeliveryId, DeliveryStatus, IntegrationId, OrgId, Timestamp};
use crate::store::{DeadLetterChange, Page, RetryFilter};
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

/// The filters of the list of deliveries.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct InboxQuery {
    /// Only deliveries in this status; `failed` ones are dead letters.
    status: Option<DeliveryStatus>,
    /// The most items to return.
    #[param(inline)]
    limit: Option<PageLimit>,
    /// The `next_cursor` of the previous page.
    #[param(inline)]
    cursor: Option<Cursor>,
}

/// The most dead letters that one call retries.
const RETRIES_MAX: u32 = 1_000;

/// Selects the dead letters to retry. A dead letter must match every field that is given.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RetryMany {
    /// Only dead letters of this provider.
    provider: Option<Reference>,
    /// Only dead letters of this integration.
    integration_id: Option<IntegrationId>,
    /// Only dead letters that were received at this time or later.
    since: Option<Timestamp>,
}

/// The result of retrying dead letters.
#[derive(Debug, Serialize, ToSchema)]
struct RetriedMany {
    /// The number of deliveries that now wait for a worker.
    retried: u64,
    /// True if the call reached its limit, so that more may match.
    more: bool,
}

/// A delivery.
#[derive(Debug, Serialize, ToSchema)]
struct DeliveryAnswer {
    delivery: Delivery,
}

/// A delivery with its headers and its body.
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

/// Get a delivery with its headers and body
#[utoipa::path(get, path = "/v1/inbox/{id}", tag = "inbox", params(("id" = DeliveryId, Path)),
    responses((status = OK, description = "The delivery", body = DeliveryDetails)))]
async fn get_delivery(
    Tenant(org): Tenant,
    State(state): State<AppState>,
    PathId(id): PathId<DeliveryId>,
) -> Result<Json<DeliveryDetails>, Problem> {
    let delivery = state.store().delivery_content(&org, id).await?;
    let delivery = delivery.or_404("delivery")?;
    Ok(Json(DeliveryDetails { delivery }))
}

/// Retry a dead letter
///
/// Its attempts count from zero again, and its last error is cleared.
#[utoipa::path(post, path = "/v1/inbox/{id}/retry", tag = "inbox",
    params(("id" = DeliveryId, Path)),
    responses(
        (status = OK, description = "The delivery waits for a worker", body = DeliveryAnswer),
        (status = CONFLICT, description = "The delivery is not a dead letter")))]
async fn retry_delivery(
    Tenant(org): Tenant,
    State(state): State<AppState>,
    PathId(id): PathId<DeliveryId>,
) -> Result<Json<DeliveryAnswer>, Problem> {
    change(&state, &org, id, DeadLetterChange::Retry).await
}

/// Retry dead letters
///
/// One call retries up to 1000, oldest first.
#[utoipa::path(post, path = "/v1/inbox/retry", tag = "inbox", request_body = Option<RetryMany>,
    responses((status = OK, description = "The deliveries wait for a worker", body = RetriedMany)))]
async fn retry_deliveries(
    Tenant(org): Tenant,
    State(state): State<AppState>,
    OptionalJsonBody(body): OptionalJsonBody<RetryMany>,
) -> Result<Json<RetriedMany>, Problem> {
    let mut checks = Checks::default();
    let filter = RetryFilter {
        provider: body.provider.map(|id| id.check(&mut checks, "/provider")),
        integration: body.integration_id,
        since: body.since,
    };
    checks.done()?;
    let retried = state
        .store()
        .retry_dead_letters(&org, &filter, RETRIES_MAX, clock::now())
        .await?;
    Ok(Json(RetriedMany {
        retried,
        more: retried == u64::from(RETRIES_MAX),
    }))
}

/// Discard a dead letter
///
/// It stays readable until retention removes it.
#[utoipa::path(post, path = "/v1/inbox/{id}/discard", tag = "inbox",
    params(("id" = DeliveryId, Path)),
    responses(
        (status = OK, description = "Discarded", body = DeliveryAnswer),
        (status = CONFLICT, description = "The delivery is not a dead letter")))]
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
    let before = store.change_dead_letter(org, id, change, clock::now());
    let before = before.await?.or_404("delivery")?;
    if before != DeliveryStatus::Failed {
        let detail = format!("the delivery is {before}, so it is not a dead letter");
        return Err(Problem::conflict(detail));
    }
    let delivery = store.delivery(org, id).await?.or_404("delivery")?;
    Ok(Json(DeliveryAnswer { delivery }))
}
