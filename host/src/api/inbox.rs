//! `/v1/inbox`: deliveries as they arrived, and what people may do with them.

use super::check::Checks;
use super::extract::{OptionalJsonBody, PathId, QueryOf};
use super::found::Found as _;
use super::list::{Cursor, PageLimit, page};
use super::values::Reference;
use super::{AppState, Problem, Tenant};
use crate::clock;
use crate::domain::delivery::{Delivery, DeliveryContent};
use crate::domain::status::States;
use crate::domain::{DeliveryId, DeliveryStatus, IntegrationId, OrgId, Timestamp, TriggerId};
use crate::store::{DeliveryChange, DeliveryFilter, Page};
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

/// The most deliveries that one call retries.
const RETRIES_MAX: u32 = 1_000;

/// Selects the deliveries to retry. A delivery must match every field that is given.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RetryMany {
    /// `failed` (dead letters), `held`, or `completed`: those that started no run. Without it,
    /// `completed` if there is an outcome, and `failed` otherwise.
    status: Option<DeliveryStatus>,
    /// Only deliveries with this outcome, such as `no active trigger`.
    outcome: Option<Reference>,
    /// Only deliveries of this provider.
    provider: Option<Reference>,
    /// Only deliveries of this integration.
    integration_id: Option<IntegrationId>,
    /// Only deliveries to the URL of this trigger.
    trigger_id: Option<TriggerId>,
    /// Only deliveries that were received at this time or later.
    since: Option<Timestamp>,
    /// Only deliveries that were received before this time.
    until: Option<Timestamp>,
}

impl RetryMany {
    fn filter(self) -> Result<DeliveryFilter, Problem> {
        let mut checks = Checks::default();
        let status = self.status.unwrap_or(match self.outcome {
            Some(_) => DeliveryStatus::Completed,
            None => DeliveryStatus::Failed,
        });
        if !status.may_become(DeliveryStatus::Pending) || status == DeliveryStatus::Processing {
            checks.add(
                "/status",
                format!("expected failed, held or completed, got {status}"),
            );
        }
        let filter = DeliveryFilter {
            status,
            outcome: self.outcome.map(|text| text.check(&mut checks, "/outcome")),
            provider: self.provider.map(|id| id.check(&mut checks, "/provider")),
            integration: self.integration_id,
            trigger: self.trigger_id,
            since: self.since,
            until: self.until,
        };
        checks.done()?;
        Ok(filter)
    }
}

/// The result of retrying deliveries.
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

/// Retry a delivery
///
/// Takes dead letters, held deliveries, and completed ones that started no run. Attempts
/// count from zero again, and the last error is cleared.
#[utoipa::path(post, path = "/v1/inbox/{id}/retry", tag = "inbox",
    params(("id" = DeliveryId, Path)),
    responses(
        (status = OK, description = "The delivery waits for a worker", body = DeliveryAnswer),
        (status = CONFLICT, description = "The delivery is under way, or it started a run")))]
async fn retry_delivery(
    Tenant(org): Tenant,
    State(state): State<AppState>,
    PathId(id): PathId<DeliveryId>,
) -> Result<Json<DeliveryAnswer>, Problem> {
    change(&state, &org, id, DeliveryChange::Retry).await
}

/// Retry deliveries
///
/// One call retries up to 1000, oldest first.
#[utoipa::path(post, path = "/v1/inbox/retry", tag = "inbox", request_body = Option<RetryMany>,
    responses((status = OK, description = "The deliveries wait for a worker", body = RetriedMany)))]
async fn retry_deliveries(
    Tenant(org): Tenant,
    State(state): State<AppState>,
    OptionalJsonBody(body): OptionalJsonBody<RetryMany>,
) -> Result<Json<RetriedMany>, Problem> {
    let (filter, retry) = (body.filter()?, DeliveryChange::Retry);
    let store = state.store();
    let retried = store.change_deliveries(&org, &filter, retry, RETRIES_MAX, clock::now());
    let retried = retried.await?;
    Ok(Json(RetriedMany {
        retried,
        more: retried == u64::from(RETRIES_MAX),
    }))
}

/// Discard a delivery
///
/// Takes dead letters and held deliveries. A discarded delivery stays readable until
/// retention removes it.
#[utoipa::path(post, path = "/v1/inbox/{id}/discard", tag = "inbox",
    params(("id" = DeliveryId, Path)),
    responses(
        (status = OK, description = "Discarded", body = DeliveryAnswer),
        (status = CONFLICT, description = "The delivery is neither a dead letter nor held")))]
async fn discard_delivery(
    Tenant(org): Tenant,
    State(state): State<AppState>,
    PathId(id): PathId<DeliveryId>,
) -> Result<Json<DeliveryAnswer>, Problem> {
    change(&state, &org, id, DeliveryChange::Discard).await
}

async fn change(
    state: &AppState,
    org: &OrgId,
    id: DeliveryId,
    change: DeliveryChange,
) -> Result<Json<DeliveryAnswer>, Problem> {
    let store = state.store();
    let found = store.change_delivery(org, id, change, clock::now());
    let (before, is_done) = found.await?.or_404("delivery")?;
    if !is_done {
        let why = match (change, before) {
            (DeliveryChange::Retry, DeliveryStatus::Completed) => {
                "it started a run: replay its event"
            }
            (DeliveryChange::Retry, _) => {
                "only deliveries that failed, are held or started no run can be retried"
            }
            (DeliveryChange::Discard, _) => "it is neither a dead letter nor held",
        };
        return Err(Problem::conflict(format!(
            "the delivery is {before}: {why}"
        )));
    }
    let delivery = store.delivery(org, id).await?.or_404("delivery")?;
    Ok(Json(DeliveryAnswer { delivery }))
}
