//! `/v1/poll-groups`: the progress and the errors of polling, one group for each polled
//! integration.

use super::extract::{OptionalJsonBody, PathId, QueryOf};
use super::found::Found as _;
use super::list::PageQuery;
use super::{AppState, Problem, Tenant};
use crate::clock;
use crate::domain::PollGroupId;
use crate::domain::poll_group::PollGroup;
use crate::store::{Page, PollAsked};
use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list_poll_groups))
        .routes(routes!(get_poll_group))
        .routes(routes!(poll_now))
}

/// A poll group.
#[derive(Debug, Serialize, ToSchema)]
struct PollGroupAnswer {
    poll_group: PollGroup,
}

/// Options of a poll on request.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PollNow)]
struct Asked {
    /// Drops the cursor, for a group whose service no longer knows it. The next poll
    /// sets a new cursor and fires nothing, so events since the last poll are lost.
    #[serde(default)]
    reset_cursor: bool,
}

/// List poll groups
///
/// An integration with polling triggers has one poll group.
#[utoipa::path(get, path = "/v1/poll-groups", tag = "poll groups", params(PageQuery),
    responses((status = OK, description = "Newest first", body = Page<PollGroup>)))]
async fn list_poll_groups(
    Tenant(org): Tenant,
    State(state): State<AppState>,
    QueryOf(query): QueryOf<PageQuery>,
) -> Result<Json<Page<PollGroup>>, Problem> {
    let groups = state
        .store()
        .list_poll_groups(&org, query.page(), clock::now());
    Ok(Json(groups.await?))
}

/// Get a poll group
#[utoipa::path(get, path = "/v1/poll-groups/{id}", tag = "poll groups",
    params(("id" = PollGroupId, Path)),
    responses((status = OK, description = "The poll group", body = PollGroupAnswer)))]
async fn get_poll_group(
    Tenant(org): Tenant,
    State(state): State<AppState>,
    PathId(id): PathId<PollGroupId>,
) -> Result<Json<PollGroupAnswer>, Problem> {
    let group = state.store().poll_group(&org, id, clock::now()).await?;
    Ok(Json(PollGroupAnswer {
        poll_group: group.or_404("poll group")?,
    }))
}

/// Poll a group now
///
/// A group that is being polled is polled again right after. A group whose service asked
/// for a pause is polled when the pause ends.
#[utoipa::path(post, path = "/v1/poll-groups/{id}/poll-now", tag = "poll groups",
    params(("id" = PollGroupId, Path)), request_body = Option<Asked>,
    responses(
        (status = OK, description = "The group is due", body = PollGroupAnswer),
        (status = CONFLICT, description = "The group is paused")))]
async fn poll_now(
    Tenant(org): Tenant,
    State(state): State<AppState>,
    PathId(id): PathId<PollGroupId>,
    OptionalJsonBody(asked): OptionalJsonBody<Asked>,
) -> Result<Json<PollGroupAnswer>, Problem> {
    let store = state.store();
    let polled = store.poll_now(&org, id, asked.reset_cursor, clock::now());
    match polled.await? {
        PollAsked::Asked(poll_group) => Ok(Json(PollGroupAnswer {
            poll_group: *poll_group,
        })),
        PollAsked::Paused => Err(Problem::conflict(
            "the group is paused: all its triggers are disabled, or its integration is not active",
        )),
        PollAsked::NotFound => Err(Problem::not_found("poll group")),
    }
}
