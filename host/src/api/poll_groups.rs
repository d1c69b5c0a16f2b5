//! `/v1/poll-groups`: what is asked of services, how far it has come, and what went
//! wrong.

use super::extract::{OptionalJsonBody, PathId, QueryOf};
use super::list::PageQuery;
use super::{AppState, Problem, Tenant};
use crate::clock;
use crate::domain::PollGroupId;
use crate::domain::poll_group::PollGroup;
use crate::store::{Page, PollAsked, Signal};
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

/// One poll group.
#[derive(Debug, Serialize, ToSchema)]
struct PollGroupAnswer {
    poll_group: PollGroup,
}

/// How to poll.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PollNow)]
struct Asked {
    /// Forgets how far the group has come: its next poll is a first one, which fires
    /// nothing, and whatever happened since the last one is passed over. For a group
    /// whose cursor its service no longer knows.
    #[serde(default)]
    reset_cursor: bool,
}

/// List poll groups
///
/// There is one for each integration with polling triggers.
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
    let poll_group = group.ok_or_else(|| Problem::not_found("poll group"))?;
    Ok(Json(PollGroupAnswer { poll_group }))
}

/// Poll a group now
///
/// If it is being polled, once more right after that; if its service wants to be left
/// alone, as soon as it may be asked again.
#[utoipa::path(post, path = "/v1/poll-groups/{id}/poll-now", tag = "poll groups",
    params(("id" = PollGroupId, Path)), request_body = Option<Asked>,
    responses(
        (status = OK, description = "It is due", body = PollGroupAnswer),
        (status = CONFLICT, description = "It is paused", body = Problem,
            content_type = "application/problem+json")))]
async fn poll_now(
    Tenant(org): Tenant,
    State(state): State<AppState>,
    PathId(id): PathId<PollGroupId>,
    OptionalJsonBody(asked): OptionalJsonBody<Asked>,
) -> Result<Json<PollGroupAnswer>, Problem> {
    let store = state.store();
    let polled = store.poll_now(&org, id, asked.reset_cursor, clock::now());
    match polled.await? {
        PollAsked::Asked(poll_group) => {
            state.signals().raise(Signal::Polls);
            Ok(Json(PollGroupAnswer {
                poll_group: *poll_group,
            }))
        }
        PollAsked::Paused => Err(Problem::conflict(
            "the group is paused: its triggers are all disabled, or its integration does not work",
        )),
        PollAsked::NotFound => Err(Problem::not_found("poll group")),
    }
}
