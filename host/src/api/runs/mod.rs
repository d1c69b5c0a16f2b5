//! `/v1/runs`: runs, and the actions of consumers and people on them.

mod act;
mod consume;
mod decide;

use super::extract::{PathId, QueryOf};
use super::found::Found as _;
use super::list::{Cursor, PageLimit, PageQuery, page};
use super::{AppState, Problem, Tenant, automations};
use crate::domain::run::{HandOff, Run, Transition};
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
        .routes(routes!(consume::start_run))
        .routes(routes!(consume::heartbeat_run))
        .routes(routes!(consume::complete_run))
        .routes(routes!(decide::cancel_run))
        .routes(routes!(decide::resolve_run))
}

/// The filters of the list of runs.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct RunQuery {
    /// Only runs of this automation.
    automation_id: Option<AutomationId>,
    /// Only runs in this status.
    status: Option<RunStatus>,
    /// The most items to return.
    #[param(inline)]
    limit: Option<PageLimit>,
    /// The `next_cursor` of the previous page.
    #[param(inline)]
    cursor: Option<Cursor>,
}

/// A run with its hand-off and its history.
#[derive(Debug, Serialize, ToSchema)]
struct RunAnswer {
    run: Run,
    /// The state of the message that hands the run over.
    hand_off: Option<HandOff>,
    /// Every change of the run's status after the first, oldest first.
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

/// Get a run with its history and its hand-off
#[utoipa::path(get, path = "/v1/runs/{id}", tag = "runs", params(("id" = RunId, Path)),
    responses((status = OK, description = "The run", body = RunAnswer)))]
async fn get_run(
    Tenant(org): Tenant,
    State(state): State<AppState>,
    PathId(id): PathId<RunId>,
) -> Result<Json<RunAnswer>, Problem> {
    let store = state.store();
    let run = store.run(&org, id).await?.or_404("run")?;
    let history = store.history(&org, id.0).await?;
    let hand_off = store.hand_off(&org, id).await?;
    Ok(Json(RunAnswer {
        run,
        hand_off,
        history,
    }))
}
