//! Messages as people see them, and the retry and discard of dead letters.

use crate::api::extract::{JsonBody, PathId, QueryOf};
use crate::api::list::{Cursor, PageLimit, page};
use crate::api::{AppState, Caller, Problem, Tenant};
use crate::clock;
use crate::domain::outbox::OutboxMessage;
use crate::domain::{OutboxId, OutboxStatus, Timestamp};
use crate::store::{Page, UndeliveredChange, UndeliveredFilter, UndeliveredOutcome};
use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// The most dead letters that one call changes, one after the other.
const CHANGES_MAX: u32 = 200;

/// The filters of the list of messages.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct OutboxQuery {
    /// Only messages in this status; `failed` ones are dead letters.
    status: Option<OutboxStatus>,
    /// The most items to return.
    #[param(inline)]
    limit: Option<PageLimit>,
    /// The `next_cursor` of the previous page.
    #[param(inline)]
    cursor: Option<Cursor>,
}

/// Selects dead letters. A dead letter must match every field that is given; `{}` selects
/// all.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = UndeliveredFilter)]
pub(super) struct Filter {
    /// Only messages that were created at this time or later.
    since: Option<Timestamp>,
    /// Only messages that were created before this time.
    until: Option<Timestamp>,
}

/// A message.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct OutboxMessageAnswer {
    message: OutboxMessage,
}

/// The result of changing dead letters.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ChangedMessages {
    /// The number of changed messages.
    changed: u32,
    /// True if the call reached its limit, so that more may match.
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

/// Retry a dead letter
///
/// Its attempts count from zero again, and its last error is cleared. Its run, which failed
/// with it, waits for a consumer again.
#[utoipa::path(post, path = "/v1/outbox/{id}/retry", tag = "outbox",
    params(("id" = OutboxId, Path)),
    responses(
        (status = OK, description = "The message is due", body = OutboxMessageAnswer),
        (status = CONFLICT, description = "The message is not a dead letter, or its run is over")))]
pub(super) async fn retry_message(
    caller: Caller,
    State(state): State<AppState>,
    PathId(id): PathId<OutboxId>,
) -> Result<Json<OutboxMessageAnswer>, Problem> {
    change(&state, &caller, id, UndeliveredChange::Retry).await
}

/// Discard a dead letter
///
/// It stays readable until retention removes it.
#[utoipa::path(post, path = "/v1/outbox/{id}/discard", tag = "outbox",
    params(("id" = OutboxId, Path)),
    responses(
        (status = OK, description = "Discarded", body = OutboxMessageAnswer),
        (status = CONFLICT, description = "The message is not a dead letter")))]
pub(super) async fn discard_message(
    caller: Caller,
    State(state): State<AppState>,
    PathId(id): PathId<OutboxId>,
) -> Result<Json<OutboxMessageAnswer>, Problem> {
    change(&state, &caller, id, UndeliveredChange::Discard).await
}

/// Retry dead letters
///
/// One call retries up to 200, oldest first. Dead letters whose run is over are left out.
#[utoipa::path(post, path = "/v1/outbox/retry", tag = "outbox", request_body = Filter,
    responses((status = OK, description = "The messages are due", body = ChangedMessages)))]
pub(super) async fn retry_messages(
    caller: Caller,
    State(state): State<AppState>,
    JsonBody(filter): JsonBody<Filter>,
) -> Result<Json<ChangedMessages>, Problem> {
    let changed = change_all(&state, &caller, filter, UndeliveredChange::Retry).await?;
    Ok(Json(changed))
}

/// Discard dead letters
///
/// One call discards up to 200, oldest first.
#[utoipa::path(post, path = "/v1/outbox/discard", tag = "outbox", request_body = Filter,
    responses((status = OK, description = "Discarded", body = ChangedMessages)))]
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
            format!("the message is {status}, so it is not a dead letter")
        }
        UndeliveredOutcome::RunOver(status) => {
            format!("its run is {status}, so there is nothing to hand over")
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
