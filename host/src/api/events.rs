//! `/v1/events`: events, their skip and their replay.

use super::extract::{PathId, QueryOf};
use super::found::Found as _;
use super::list::{Cursor, PageLimit, PageQuery, page};
use super::{AppState, Caller, Problem, Tenant, automations};
use crate::clock;
use crate::domain::delivery::DeliveryContent;
use crate::domain::event::Event;
use crate::domain::run::{Run, Transition};
use crate::domain::{AutomationId, EventId, EventStatus, Timestamp, TriggerId};
use crate::store::{EventFilter, EventSkip, Page, Replay};
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

/// The filters of the list of events.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct EventQuery {
    /// Only events of this trigger.
    trigger_id: Option<TriggerId>,
    /// Only events in this status.
    status: Option<EventStatus>,
    /// Only events of this kind, for example `issues.opened`.
    #[param(pattern = "^[^\\x00]*$")]
    kind: Option<String>,
    /// Only events that were created at this time or later.
    since: Option<Timestamp>,
    /// The most items to return.
    #[param(inline)]
    limit: Option<PageLimit>,
    /// The `next_cursor` of the previous page.
    #[param(inline)]
    cursor: Option<Cursor>,
}

/// An event.
#[derive(Debug, Serialize, ToSchema)]
struct EventAnswer {
    event: Event,
}

/// An event with its delivery, its run and its history.
#[derive(Debug, Serialize, ToSchema)]
struct EventDetails {
    event: Event,
    /// The run that the event started.
    run: Option<Run>,
    /// The delivery that the event came from, until retention removes it.
    delivery: Option<DeliveryContent>,
    /// Every change of the event's status after the first, oldest first.
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
        // No event has such a kind, and Postgres refuses the query.
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
    let event = store.event(&org, id).await?.or_404("event")?;
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
/// Its run is cancelled. Its deduplication key is free again, so the same event can start
/// a run later.
#[utoipa::path(post, path = "/v1/events/{id}/skip", tag = "events",
    params(("id" = EventId, Path)),
    responses(
        (status = OK, description = "Skipped", body = EventAnswer),
        (status = CONFLICT, description = "The event is not queued")))]
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
    let event = store.event(org, id).await?.or_404("event")?;
    Ok(Json(EventAnswer { event }))
}

/// A replayed event and its run.
#[derive(Debug, Serialize, ToSchema)]
struct Replayed {
    event: Event,
    run: Run,
}

/// Replay an event
///
/// Creates an event with the same facts and starts a run for it, without asking the
/// trigger's filter. The new event names the first one in `replay_of` and has its own
/// deduplication key. The first event and its run stay as they are.
#[utoipa::path(post, path = "/v1/events/{id}/replay", tag = "events",
    params(("id" = EventId, Path)),
    responses(
        (status = CREATED, description = "The new run is in the outbox", body = Replayed),
        (status = CONFLICT, description = "The trigger or its automation is disabled or deleted")))]
async fn replay_event(
    Tenant(org): Tenant,
    State(state): State<AppState>,
    PathId(id): PathId<EventId>,
) -> Result<(StatusCode, Json<Replayed>), Problem> {
    let store = state.store();
    let event = store.event(&org, id).await?.or_404("event")?;
    let replayed = match store.replay_event(&org, &event, clock::now()).await? {
        Replay::Started(replayed) => replayed,
        Replay::AutomationOff => {
            let detail = "the automation of the event is disabled or deleted";
            return Err(Problem::conflict(detail));
        }
        Replay::TriggerOff => {
            let detail = "the trigger of the event is disabled or deleted";
            return Err(Problem::conflict(detail));
        }
    };
    let event = store.event(&org, replayed).await?;
    let run = store.run_of_event(&org, replayed).await?;
    let (event, run) = event.zip(run).ok_or_else(Problem::internal)?;
    Ok((StatusCode::CREATED, Json(Replayed { event, run })))
}
