//! Creates, reads, changes and deletes triggers.

use super::answer::{TriggerAnswer, TriggerCounts, TriggerDetails, TriggerItem, TriggerWithSecret};
use super::body::{Change, Creation};
use super::check::{check_change, check_creation};
use crate::api::check::Checks;
use crate::api::extract::{JsonBody, PathId, QueryOf};
use crate::api::found::Found as _;
use crate::api::list::PageQuery;
use crate::api::{AppState, Problem, Tenant, automations};
use crate::clock;
use crate::domain::resource::Trigger;
use crate::domain::{AutomationId, OrgId, TriggerId};
use crate::store::{EventFilter, Page, PageRequest};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use std::collections::HashMap;

/// The number of events that are shown with their trigger.
const RECENT_EVENTS: u32 = 10;

/// Create a trigger
///
/// Without `automation_id`, an automation is created with it. The secret is shown only
/// once.
#[utoipa::path(post, path = "/v1/triggers", tag = "triggers", request_body = Creation,
    responses((status = CREATED, description = "Created", body = TriggerWithSecret)))]
pub(super) async fn create_trigger(
    Tenant(org): Tenant,
    State(state): State<AppState>,
    JsonBody(new): JsonBody<Creation>,
) -> Result<(StatusCode, Json<TriggerWithSecret>), Problem> {
    create(&state, &org, new).await
}

/// Create a trigger of an automation
///
/// The secret is shown only once.
#[utoipa::path(post, path = "/v1/automations/{id}/triggers", tag = "triggers",
    params(("id" = AutomationId, Path)), request_body = Creation,
    responses((status = CREATED, description = "Created", body = TriggerWithSecret)))]
pub(super) async fn create_automation_trigger(
    tenant: Tenant,
    State(state): State<AppState>,
    PathId(id): PathId<AutomationId>,
    JsonBody(mut new): JsonBody<Creation>,
) -> Result<(StatusCode, Json<TriggerWithSecret>), Problem> {
    automations::require(&state, &tenant, id).await?;
    if new.automation_id.is_some_and(|named| named != id) {
        let mut checks = Checks::default();
        checks.add("/automation_id", "is not the automation in the URL");
        checks.done()?;
    }
    new.automation_id = Some(id);
    create(&state, &tenant.0, new).await
}

async fn create(
    state: &AppState,
    org: &OrgId,
    body: Creation,
) -> Result<(StatusCode, Json<TriggerWithSecret>), Problem> {
    let (new, secret) = check_creation(state, org, body).await?;
    let token = new.endpoint.as_ref().map(|endpoint| endpoint.token.clone());
    let created = state.store().create_trigger(org, &new, clock::now());
    let answer = TriggerAnswer::new(state, created.await?, token);
    let secret = secret.map(|secret| secret.expose().to_owned());
    Ok((StatusCode::CREATED, Json(answer.with_secret(secret))))
}

/// List triggers
#[utoipa::path(get, path = "/v1/triggers", tag = "triggers", params(PageQuery),
    responses((status = OK, description = "Newest first", body = Page<TriggerItem>)))]
pub(super) async fn list_triggers(
    Tenant(org): Tenant,
    State(state): State<AppState>,
    QueryOf(query): QueryOf<PageQuery>,
) -> Result<Json<Page<TriggerItem>>, Problem> {
    list(&state, &org, None, query).await
}

/// List the triggers of an automation
#[utoipa::path(get, path = "/v1/automations/{id}/triggers", tag = "triggers",
    params(("id" = AutomationId, Path), PageQuery),
    responses((status = OK, description = "Newest first", body = Page<TriggerItem>)))]
pub(super) async fn list_automation_triggers(
    tenant: Tenant,
    State(state): State<AppState>,
    PathId(id): PathId<AutomationId>,
    QueryOf(query): QueryOf<PageQuery>,
) -> Result<Json<Page<TriggerItem>>, Problem> {
    automations::require(&state, &tenant, id).await?;
    list(&state, &tenant.0, Some(id), query).await
}

async fn list(
    state: &AppState,
    org: &OrgId,
    automation: Option<AutomationId>,
    query: PageQuery,
) -> Result<Json<Page<TriggerItem>>, Problem> {
    let store = state.store();
    let triggers = store.list_triggers(org, automation, query.page()).await?;
    let ids = triggers.items.iter().map(|(trigger, _)| trigger.id);
    let mut counts = store.event_counts(&ids.collect::<Vec<_>>()).await?;
    let is_held = |(trigger, _): &(Trigger, _)| trigger.held_at.is_some();
    let held = match triggers.items.iter().any(is_held) {
        true => store.held_counts(org).await?,
        false => HashMap::new(),
    };
    Ok(Json(triggers.map(|(trigger, token)| TriggerItem {
        counts: TriggerCounts::new(
            counts.remove(&trigger.id),
            held.get(&trigger.id).copied().unwrap_or(0),
        ),
        trigger: TriggerAnswer::new(state, trigger, token),
    })))
}

/// Get a trigger with its recent events
#[utoipa::path(get, path = "/v1/triggers/{id}", tag = "triggers",
    params(("id" = TriggerId, Path)),
    responses((status = OK, description = "The trigger", body = TriggerDetails)))]
pub(super) async fn get_trigger(
    Tenant(org): Tenant,
    State(state): State<AppState>,
    PathId(id): PathId<TriggerId>,
) -> Result<Json<TriggerDetails>, Problem> {
    let store = state.store();
    let (trigger, token) = store.trigger(&org, id).await?.or_404("trigger")?;
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
    let held = match trigger.held_at {
        Some(_) => store.held_counts(&org).await?.remove(&id).unwrap_or(0),
        None => 0,
    };
    Ok(Json(TriggerDetails {
        item: TriggerItem {
            trigger: TriggerAnswer::new(&state, trigger, token),
            counts: TriggerCounts::new(counts, held),
        },
        recent_events,
    }))
}

/// Change a trigger
#[utoipa::path(patch, path = "/v1/triggers/{id}", tag = "triggers",
    params(("id" = TriggerId, Path)), request_body = Change,
    responses((status = OK, description = "Changed", body = TriggerAnswer)))]
pub(super) async fn update_trigger(
    Tenant(org): Tenant,
    State(state): State<AppState>,
    PathId(id): PathId<TriggerId>,
    JsonBody(change): JsonBody<Change>,
) -> Result<Json<TriggerAnswer>, Problem> {
    let store = state.store();
    let (before, _) = store.trigger(&org, id).await?.or_404("trigger")?;
    let patch = check_change(&state, &org, &before, change).await?;
    let limits = state.config().scheduler.limits();
    let changed = store.update_trigger(&org, id, &patch, limits, clock::now());
    let (trigger, token) = changed.await?.or_404("trigger")?;
    Ok(Json(TriggerAnswer::new(&state, trigger, token)))
}

/// Delete a trigger
///
/// Its events stay. A tick that was due before the deletion still starts a run.
#[utoipa::path(delete, path = "/v1/triggers/{id}", tag = "triggers",
    params(("id" = TriggerId, Path)),
    responses((status = NO_CONTENT, description = "Deleted")))]
pub(super) async fn delete_trigger(
    Tenant(org): Tenant,
    State(state): State<AppState>,
    PathId(id): PathId<TriggerId>,
) -> Result<StatusCode, Problem> {
    let limits = state.config().scheduler.limits();
    let deleted = state.store().delete_trigger(&org, id, limits, clock::now());
    deleted.await?.or_404("trigger")?;
    Ok(StatusCode::NO_CONTENT)
}
