//! `/v1/automations`: what triggers run.

use super::check::Checks;
use super::extract::{JsonBody, PathId, QueryOf, present};
use super::found::Found as _;
use super::list::PageQuery;
use super::values::Name;
use super::{AppState, Problem, Tenant};
use crate::clock;
use crate::domain::AutomationId;
use crate::domain::resource::Automation;
use crate::store::{AutomationPatch, Page};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(create_automation, list_automations))
        .routes(routes!(
            get_automation,
            update_automation,
            delete_automation
        ))
}

/// An automation to create.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewAutomation {
    /// A name for people: one line of 1 to 200 characters.
    name: Name,
    /// The events of a disabled automation are skipped, with that reason.
    #[serde(default = "enabled_default")]
    #[schema(default = true)]
    enabled: bool,
}

/// Automations and triggers are enabled unless the request says otherwise.
pub(super) fn enabled_default() -> bool {
    true
}

/// A change of an automation. Absent fields stay as they are.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct AutomationChange {
    /// A name for people: one line of 1 to 200 characters.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    name: Option<Name>,
    /// The events of a disabled automation are skipped, with that reason.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    enabled: Option<bool>,
}

/// An automation.
#[derive(Debug, Serialize, ToSchema)]
struct AutomationAnswer {
    automation: Automation,
}

fn found(automation: Option<Automation>) -> Result<Json<AutomationAnswer>, Problem> {
    let automation = automation.or_404("automation")?;
    Ok(Json(AutomationAnswer { automation }))
}

/// 404 unless the organization has this automation.
pub(super) async fn require(
    state: &AppState,
    Tenant(org): &Tenant,
    id: AutomationId,
) -> Result<(), Problem> {
    state
        .store()
        .automation(org, id)
        .await?
        .or_404("automation")?;
    Ok(())
}

/// Create an automation
#[utoipa::path(post, path = "/v1/automations", tag = "automations",
    request_body = NewAutomation,
    responses((status = CREATED, description = "Created", body = AutomationAnswer)))]
async fn create_automation(
    Tenant(org): Tenant,
    State(state): State<AppState>,
    JsonBody(new): JsonBody<NewAutomation>,
) -> Result<(StatusCode, Json<AutomationAnswer>), Problem> {
    let mut checks = Checks::default();
    let name = new.name.check(&mut checks, "/name");
    checks.done()?;
    let automation = state
        .store()
        .create_automation(&org, &name, new.enabled, clock::now())
        .await?;
    Ok((StatusCode::CREATED, Json(AutomationAnswer { automation })))
}

/// List automations
#[utoipa::path(get, path = "/v1/automations", tag = "automations", params(PageQuery),
    responses((status = OK, description = "Newest first", body = Page<Automation>)))]
async fn list_automations(
    Tenant(org): Tenant,
    State(state): State<AppState>,
    QueryOf(query): QueryOf<PageQuery>,
) -> Result<Json<Page<Automation>>, Problem> {
    let automations = state.store().list_automations(&org, query.page());
    Ok(Json(automations.await?))
}

/// Get an automation
#[utoipa::path(get, path = "/v1/automations/{id}", tag = "automations",
    params(("id" = AutomationId, Path)),
    responses((status = OK, description = "The automation", body = AutomationAnswer)))]
async fn get_automation(
    Tenant(org): Tenant,
    State(state): State<AppState>,
    PathId(id): PathId<AutomationId>,
) -> Result<Json<AutomationAnswer>, Problem> {
    found(state.store().automation(&org, id).await?)
}

/// Change an automation
#[utoipa::path(patch, path = "/v1/automations/{id}", tag = "automations",
    params(("id" = AutomationId, Path)), request_body = AutomationChange,
    responses((status = OK, description = "Changed", body = AutomationAnswer)))]
async fn update_automation(
    Tenant(org): Tenant,
    State(state): State<AppState>,
    PathId(id): PathId<AutomationId>,
    JsonBody(change): JsonBody<AutomationChange>,
) -> Result<Json<AutomationAnswer>, Problem> {
    let mut checks = Checks::default();
    let patch = AutomationPatch {
        name: change.name.map(|name| name.check(&mut checks, "/name")),
        enabled: change.enabled,
    };
    checks.done()?;
    let store = state.store();
    found(
        store
            .update_automation(&org, id, &patch, clock::now())
            .await?,
    )
}

/// Delete an automation and its triggers
///
/// Its events and runs stay. A tick that was due before the deletion still starts a run.
#[utoipa::path(delete, path = "/v1/automations/{id}", tag = "automations",
    params(("id" = AutomationId, Path)),
    responses((status = NO_CONTENT, description = "Deleted")))]
async fn delete_automation(
    Tenant(org): Tenant,
    State(state): State<AppState>,
    PathId(id): PathId<AutomationId>,
) -> Result<StatusCode, Problem> {
    let limits = state.config().scheduler.limits();
    let deleted = state
        .store()
        .delete_automation(&org, id, limits, clock::now());
    deleted.await?.or_404("automation")?;
    Ok(StatusCode::NO_CONTENT)
}
