//! `/v1/runs`: what was started, and how it went.

use super::extract::{PathId, QueryOf};
use super::list::{Cursor, Limit, PageQuery, page};
use super::{AppState, Problem, Tenant, automations};
use crate::domain::run::{Run, Transition};
use crate::domain::{AutomationId, RunId, RunStatus};
use crate::store::{Page, RunFilter};
use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list_runs))
        .routes(routes!(get_run))
        .routes(routes!(list_automation_runs))
}

/// Which runs a list shows.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct RunQuery {
    /// Of this automation.
    automation_id: Option<AutomationId>,
    /// In this status.
    status: Option<RunStatus>,
    /// How many items.
    #[param(inline)]
    limit: Option<Limit>,
    /// The `next_cursor` of the page before.
    #[param(inline)]
    cursor: Option<Cursor>,
}

/// A run with its history.
#[derive(Debug, Serialize, ToSchema)]
struct RunAnswer {
    run: Run,
    /// Every change of its status after the first, oldest first.
    history: Vec<Transition>,
}

/// List runs
#[utoipa::path(get, path = "/v1/runs", tag = "runs", params(RunQuery),
    responses((status = OK, description = "Newest first", body = Page<Run>)))]
async fn list_runs(
    Tenant(org): Tenant,
    State(state): State<AppState>,
    QueryOf(query): QueryOf<RunQuery>,
) -> Result<Json<Page<Run>>, Problem> {
    let filter = RunFilter {
        automation: query.automation_id,
        status: query.status,
    };
    let page = page(query.limit, query.cursor);
    Ok(Json(state.store().list_runs(&org, filter, page).await?))
}

/// List the runs of an automation
#[utoipa::path(get, path = "/v1/automations/{id}/runs", tag = "runs",
    params(("id" = AutomationId, Path), PageQuery),
    responses((status = OK, description = "Newest first", body = Page<Run>)))]
async fn list_automation_runs(
    tenant: Tenant,
    State(state): State<AppState>,
    PathId(id): PathId<AutomationId>,
    QueryOf(query): QueryOf<PageQuery>,
) -> Result<Json<Page<Run>>, Problem> {
    automations::require(&state, &tenant, id).await?;
    let filter = RunFilter {
        automation: Some(id),
        status: None,
    };
    let runs = state.store().list_runs(&tenant.0, filter, query.page());
    Ok(Json(runs.await?))
}

/// Get a run with its history
#[utoipa::path(get, path = "/v1/runs/{id}", tag = "runs", params(("id" = RunId, Path)),
    responses((status = OK, description = "The run", body = RunAnswer)))]
async fn get_run(
    Tenant(org): Tenant,
    State(state): State<AppState>,
    PathId(id): PathId<RunId>,
) -> Result<Json<RunAnswer>, Problem> {
    let store = state.store();
    let run = store.run(&org, id).await?;
    let run = run.ok_or_else(|| Problem::not_found("run"))?;
    let history = store.history(&org, id.0).await?;
    Ok(Json(RunAnswer { run, history }))
}
