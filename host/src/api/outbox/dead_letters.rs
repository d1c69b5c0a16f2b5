//! What was not handed over, and what people do about it.

use crate::api::extract::{JsonBody, PathId, QueryOf};
use crate::api::list::{Cursor, PageLimit, page};
use crate::api::{AppState, Caller, Problem, Tenant};
use crate::clock;
use crate::domain::outbox::OutboxMessage;
use crate::domain::{OutboxId, OutboxStatus, Timestamp};
use crate::store::{Page, Signal, UndeliveredChange, UndeliveredFilter, UndeliveredOutcome};
use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Dead letters that one call changes at most, one after the other.
const CHANGES_MAX: u32 = 200;

/// Which messages a list shows.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct OutboxQuery {
    /// In this status; `failed` are the dead letters.
    status: Option<OutboxStatus>,
    /// How many items.
    #[param(inline)]
    limit: Option<PageLimit>,
    /// The `next_cursor` of the page before.
    #[param(inline)]
    cursor: Option<Cursor>,
}

/// Which dead letters are meant: all that fit, so `{}` is all of them.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = UndeliveredFilter)]
pub(super) struct Filter {
    /// Written at this time or later.
    since: Option<Timestamp>,
    /// Written before this time.
    until: Option<Timestamp>,
}

/// One message.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct OutboxMessageAnswer {
    message: OutboxMessage,
}

/// What was done about dead letters.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ChangedMessages {
    /// How many were changed.
    changed: u32,
    /// Whether there may be more: as many were looked at as one call may.
    more: bool,
}

/// List messages
#[utoipa::path(get, path = "/v1/outbox", tag = "outbox", params(OutboxQuery),
    responses((status = OK, description = "Newest first", body = Page<OutboxMessage>)))]
pub(super) async fn list_messages(
    Tenant(org): Tenant,
    State(state): State<AppState>,
    QueryOf(query): QueryOf<OutboxQuery>,
) -> Result<Json<Page<OutboxMessage>>, Problem> {
    let page = page(query.limit, query.cursor);
    let messages = state.store().list_messages(&org, query.status, page);
    Ok(Json(messages.await?))
}

/// Hand a dead letter over after all
///
/// Its attempts are counted anew, and what was said of the last one is forgotten. Its
/// run, which had failed for it, waits again.
#[utoipa::path(post, path = "/v1/outbox/{id}/retry", tag = "outbox",
    params(("id" = OutboxId, Path)),
    responses(
        (status = OK, description = "It is due", body = OutboxMessageAnswer),
        (status = CONFLICT, description = "The message is no dead letter, or its run is over",
            body = Problem, content_type = "application/problem+json")))]
pub(super) async fn retry_message(
    caller: Caller,
    State(state): State<AppState>,
    PathId(id): PathId<OutboxId>,
) -> Result<Json<OutboxMessageAnswer>, Problem> {
    let message = change(&state, &caller, id, UndeliveredChange::Retry).await?;
    state.signals().raise(Signal::Outbox);
    Ok(message)
}

/// Give a dead letter up
#[utoipa::path(post, path = "/v1/outbox/{id}/discard", tag = "outbox",
    params(("id" = OutboxId, Path)),
    responses(
        (status = OK, description = "It is kept until it is collected", body = OutboxMessageAnswer),
        (status = CONFLICT, description = "The message is no dead letter",
            body = Problem, content_type = "application/problem+json")))]
pub(super) async fn discard_message(
    caller: Caller,
    State(state): State<AppState>,
    PathId(id): PathId<OutboxId>,
) -> Result<Json<OutboxMessageAnswer>, Problem> {
    change(&state, &caller, id, UndeliveredChange::Discard).await
}

/// Hand dead letters over after all
///
/// Up to 200, oldest first, without those whose run is over.
#[utoipa::path(post, path = "/v1/outbox/retry", tag = "outbox", request_body = Filter,
    responses((status = OK, description = "They are due", body = ChangedMessages)))]
pub(super) async fn retry_messages(
    caller: Caller,
    State(state): State<AppState>,
    JsonBody(filter): JsonBody<Filter>,
) -> Result<Json<ChangedMessages>, Problem> {
    let changed = change_all(&state, &caller, filter, UndeliveredChange::Retry).await;
    state.signals().raise(Signal::Outbox);
    Ok(Json(changed?))
}

/// Give dead letters up
///
/// Up to 200, oldest first.
#[utoipa::path(post, path = "/v1/outbox/discard", tag = "outbox", request_body = Filter,
    responses((status = OK, description = "They are kept until they are collected",
        body = ChangedMessages)))]
pub(super) async fn discard_messages(
    caller: Caller,
    State(state): State<AppState>,
    JsonBody(filter): JsonBody<Filter>,
) -> Result<Json<ChangedMessages>, Problem> {
    let changed = change_all(&state, &caller, filter, UndeliveredChange::Discard).await?;
    Ok(Json(changed))
}

async fn change(
    state: &AppState,
    caller: &Caller,
    id: OutboxId,
    change: UndeliveredChange,
) -> Result<Json<OutboxMessageAnswer>, Problem> {
    let (store, actor) = (state.store(), caller.actor());
    let refused = match store
        .change_undelivered(&caller.org, id, change, &actor, clock::now())
        .await?
    {
        UndeliveredOutcome::Done(message) => {
            return Ok(Json(OutboxMessageAnswer { message: *message }));
        }
        UndeliveredOutcome::NotFound => return Err(Problem::not_found("message")),
        UndeliveredOutcome::Refused(status) => {
            format!("the message is {status}, so it is no dead letter")
        }
        UndeliveredOutcome::RunOver(status) => {
            format!("its run is {status}: there is nothing to hand over")
        }
    };
    Err(Problem::conflict(refused))
}

async fn change_all(
    state: &AppState,
    caller: &Caller,
    filter: Filter,
    change: UndeliveredChange,
) -> Result<ChangedMessages, Problem> {
    let (store, org, actor) = (state.store(), &caller.org, caller.actor());
    let filter = UndeliveredFilter {
        since: filter.since,
        until: filter.until,
    };
    let found = store.undelivered(org, change, filter, CHANGES_MAX).await?;
    let more = found.len() == CHANGES_MAX as usize;
    let mut changed = 0;
    for id in found {
        let outcome = store.change_undelivered(org, id, change, &actor, clock::now());
        if let UndeliveredOutcome::Done(_) = outcome.await? {
            changed += 1;
        }
    }
    Ok(ChangedMessages { changed, more })
}
