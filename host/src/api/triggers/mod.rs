//! `/v1/triggers`: which events start which automation.

mod answer;
mod create;
mod dry_run;
mod fields;
mod poll;
mod rotate;
mod update;

use super::extract::{PathId, QueryOf};
use super::list::PageQuery;
use super::{AppState, Problem, Tenant, automations};
use crate::clock;
use crate::domain::{AutomationId, TriggerId};
use crate::store::{EventFilter, Page, PageRequest, Signal};
use answer::{TriggerDetails, TriggerItem};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Events that are shown with their trigger.
const RECENT_EVENTS: u32 = 10;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(create::create_trigger, list_triggers))
        .routes(routes!(get_trigger, update::update_trigger, delete_trigger))
        .routes(routes!(rotate::rotate_trigger_secret))
        .routes(routes!(dry_run::dry_run_trigger))
        .routes(routes!(
            create::create_automation_trigger,
            list_automation_triggers
        ))
}

/// List triggers
#[utoipa::path(get, path = "/v1/triggers", tag = "triggers", params(PageQuery),
    responses((status = OK, description = "Newest first", body = Page<TriggerItem>)))]
async fn list_triggers(
    tenant: Tenant,
    State(state): State<AppState>,
    QueryOf(query): QueryOf<PageQuery>,
) -> Result<Json<Page<TriggerItem>>, Problem> {
    list(&state, &tenant, None, query).await
}

/// List the triggers of an automation
#[utoipa::path(get, path = "/v1/automations/{id}/triggers", tag = "triggers",
    params(("id" = AutomationId, Path), PageQuery),
    responses((status = OK, description = "Newest first", body = Page<TriggerItem>)))]
async fn list_automation_triggers(
    tenant: Tenant,
    State(state): State<AppState>,
    PathId(id): PathId<AutomationId>,
    QueryOf(query): QueryOf<PageQuery>,
) -> Result<Json<Page<TriggerItem>>, Problem> {
    automations::require(&state, &tenant, id).await?;
    list(&state, &tenant, Some(id), query).await
}

async fn list(
    state: &AppState,
    Tenant(org): &Tenant,
    automation: Option<AutomationId>,
    query: PageQuery,
) -> Result<Json<Page<TriggerItem>>, Problem> {
    let store = state.store();
    let triggers = store.list_triggers(org, automation, query.page()).await?;
    let ids: Vec<TriggerId> = triggers
        .items
        .iter()
        .map(|(trigger, _)| trigger.id)
        .collect();
    let mut counts = store.event_counts(&ids).await?;
    Ok(Json(triggers.map(|(trigger, token)| TriggerItem {
        webhook_url: answer::webhook_url(state, token),
        counts: answer::counts(counts.remove(&trigger.id)),
        trigger,
    })))
}

/// Get a trigger with its recent events
#[utoipa::path(get, path = "/v1/triggers/{id}", tag = "triggers",
    params(("id" = TriggerId, Path)),
    responses((status = OK, description = "The trigger", body = TriggerDetails)))]
async fn get_trigger(
    Tenant(org): Tenant,
    State(state): State<AppState>,
    PathId(id): PathId<TriggerId>,
) -> Result<Json<TriggerDetails>, Problem> {
    let store = state.store();
    let found = store.trigger(&org, id).await?;
    let (trigger, token) = found.ok_or_else(|| Problem::not_found("trigger"))?;
    let of_trigger = EventFilter {
        trigger: Some(id),
        ..EventFilter::default()
    };
    let newest = PageRequest {
        limit: RECENT_EVENTS,
        before: None,
    };
    let recent_events = store.list_events(&org, &of_trigger, newest).await?.items;
    let counts = store.event_counts(&[id]).await?.remove(&id);
    Ok(Json(TriggerDetails {
        trigger,
        webhook_url: answer::webhook_url(&state, token),
        counts: answer::counts(counts),
        recent_events,
    }))
}

/// Delete a trigger
///
/// Its events stay. A tick that was due before starts its run.
#[utoipa::path(delete, path = "/v1/triggers/{id}", tag = "triggers",
    params(("id" = TriggerId, Path)),
    responses((status = NO_CONTENT, description = "Deleted")))]
async fn delete_trigger(
    Tenant(org): Tenant,
    State(state): State<AppState>,
    PathId(id): PathId<TriggerId>,
) -> Result<StatusCode, Problem> {
    let limits = state.config().scheduler.limits();
    let store = state.store();
    if !store.delete_trigger(&org, id, limits, clock::now()).await? {
        return Err(Problem::not_found("trigger"));
    }
    state.signals().raise(Signal::Routes);
    // What was due before has been fired with it.
    state.signals().raise(Signal::Outbox);
    Ok(StatusCode::NO_CONTENT)
}
