//! `/v1/events`: what happened, and what became of it.

use super::extract::{PathId, QueryOf};
use super::list::{Cursor, PageLimit, PageQuery, page};
use super::{AppState, Caller, Problem, Tenant, automations};
use crate::clock;
use crate::domain::delivery::DeliveryContent;
use crate::domain::event::Event;
use crate::domain::run::{Run, Transition};
use crate::domain::{AutomationId, EventId, EventStatus, Timestamp, TriggerId};
use crate::store::{EventFilter, EventSkip, Page, Replay, Signal};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list_events))
        .routes(routes!(get_event))
        .routes(routes!(skip_event))
        .routes(routes!(replay_event))
        .routes(routes!(list_automation_events))
}

/// Which events a list shows.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct EventQuery {
    /// Of this trigger.
    trigger_id: Option<TriggerId>,
    /// In this status.
    status: Option<EventStatus>,
    /// Of this kind, as `issues.opened`.
    kind: Option<String>,
    /// Written at this time or later.
    since: Option<Timestamp>,
    /// How many items.
    #[param(inline)]
    limit: Option<PageLimit>,
    /// The `next_cursor` of the page before.
    #[param(inline)]
    cursor: Option<Cursor>,
}

/// One event.
#[derive(Debug, Serialize, ToSchema)]
struct EventAnswer {
    event: Event,
}

/// An event with what it came from and what it led to.
#[derive(Debug, Serialize, ToSchema)]
struct EventDetails {
    event: Event,
    /// The run that it started.
    run: Option<Run>,
    /// What was sent, while it is kept.
    delivery: Option<DeliveryContent>,
    /// Every change of its status after the first, oldest first.
    history: Vec<Transition>,
}

/// List events
#[utoipa::path(get, path = "/v1/events", tag = "events", params(EventQuery),
    responses((status = OK, description = "Newest first", body = Page<Event>)))]
async fn list_events(
    Tenant(org): Tenant,
    State(state): State<AppState>,
    QueryOf(query): QueryOf<EventQuery>,
) -> Result<Json<Page<Event>>, Problem> {
    if query
        .kind
        .as_deref()
        .is_some_and(|kind| kind.contains('\0'))
    {
        // No event has such a kind, and Postgres refuses the question.
        return Err(Problem::unreadable("kind: expected text without NUL"));
    }
    let filter = EventFilter {
        trigger: query.trigger_id,
        automation: None,
        status: query.status,
        kind: query.kind,
        since: query.since,
    };
    let page = page(query.limit, query.cursor);
    Ok(Json(state.store().list_events(&org, &filter, page).await?))
}

/// List the events of an automation
#[utoipa::path(get, path = "/v1/automations/{id}/events", tag = "events",
    params(("id" = AutomationId, Path), PageQuery),
    responses((status = OK, description = "Newest first", body = Page<Event>)))]
async fn list_automation_events(
    tenant: Tenant,
    State(state): State<AppState>,
    PathId(id): PathId<AutomationId>,
    QueryOf(query): QueryOf<PageQuery>,
) -> Result<Json<Page<Event>>, Problem> {
    automations::require(&state, &tenant, id).await?;
    let filter = EventFilter {
        automation: Some(id),
        ..EventFilter::default()
    };
    let events = state.store().list_events(&tenant.0, &filter, query.page());
    Ok(Json(events.await?))
}

/// Get an event with its run, its delivery and its history
#[utoipa::path(get, path = "/v1/events/{id}", tag = "events", params(("id" = EventId, Path)),
    responses((status = OK, description = "The event", body = EventDetails)))]
async fn get_event(
    Tenant(org): Tenant,
    State(state): State<AppState>,
    PathId(id): PathId<EventId>,
) -> Result<Json<EventDetails>, Problem> {
    let store = state.store();
    let event = store.event(&org, id).await?;
    let event = event.ok_or_else(|| Problem::not_found("event"))?;
    let delivery = match event.delivery_id {
        Some(delivery) => store.delivery_content(&org, delivery).await?,
        None => None,
    };
    Ok(Json(EventDetails {
        run: store.run_of_event(&org, id).await?,
        history: store.history(&org, id.0).await?,
        delivery,
        event,
    }))
}

/// Skip a queued event
///
/// Its run is cancelled, and its deduplication key is free again.
#[utoipa::path(post, path = "/v1/events/{id}/skip", tag = "events",
    params(("id" = EventId, Path)),
    responses(
        (status = OK, description = "Skipped", body = EventAnswer),
        (status = CONFLICT, description = "The event is not queued",
            body = Problem, content_type = "application/problem+json")))]
async fn skip_event(
    caller: Caller,
    State(state): State<AppState>,
    PathId(id): PathId<EventId>,
) -> Result<Json<EventAnswer>, Problem> {
    let store = state.store();
    let (org, actor) = (&caller.org, caller.actor());
    match store.skip_event(org, id, &actor, clock::now()).await? {
        EventSkip::Done => {}
        EventSkip::NotFound => return Err(Problem::not_found("event")),
        EventSkip::Refused(status) => {
            let queued = EventStatus::Queued;
            let detail = format!("the event is {status}; only a {queued} one can be skipped");
            return Err(Problem::conflict(detail));
        }
    }
    let event = store.event(org, id).await?;
    event
        .map(|event| Json(EventAnswer { event }))
        .ok_or_else(|| Problem::not_found("event"))
}

/// An event and the run that it started.
#[derive(Debug, Serialize, ToSchema)]
struct Replayed {
    event: Event,
    run: Run,
}

/// Replay an event
///
/// A new event with the same facts, and a run of its own, whatever has become of the
/// first one; no filter is asked. It is linked by `replay_of`, and has a deduplication
/// key of its own.
#[utoipa::path(post, path = "/v1/events/{id}/replay", tag = "events",
    params(("id" = EventId, Path)),
    responses(
        (status = CREATED, description = "Handed over", body = Replayed),
        (status = CONFLICT, description = "The trigger or its automation was switched off, or deleted",
            body = Problem, content_type = "application/problem+json")))]
async fn replay_event(
    Tenant(org): Tenant,
    State(state): State<AppState>,
    PathId(id): PathId<EventId>,
) -> Result<(StatusCode, Json<Replayed>), Problem> {
    let store = state.store();
    let event = store.event(&org, id).await?;
    let event = event.ok_or_else(|| Problem::not_found("event"))?;
    let replayed = match store.replay_event(&org, &event, clock::now()).await? {
        Replay::Started(replayed) => replayed,
        Replay::AutomationOff => {
            let detail = "the automation of the event was switched off, or deleted";
            return Err(Problem::conflict(detail));
        }
        Replay::TriggerOff => {
            let detail = "the trigger of the event was switched off, or deleted";
            return Err(Problem::conflict(detail));
        }
    };
    state.signals().raise(Signal::Outbox);
    let event = store.event(&org, replayed).await?;
    let run = store.run_of_event(&org, replayed).await?;
    let (event, run) = event.zip(run).ok_or_else(Problem::internal)?;
    Ok((StatusCode::CREATED, Json(Replayed { event, run })))
}
