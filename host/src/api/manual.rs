//! `/v1/automations/{id}/run`: a run that a person starts.

use super::check::Checks;
use super::extract::{OptionalJsonBody, PathId};
use super::{AppState, Problem, Tenant};
use crate::clock;
use crate::domain::AutomationId;
use crate::domain::event::Event;
use crate::domain::limits::FACTS_BYTES_MAX;
use crate::domain::run::Run;
use crate::store::ManualRun;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(run_automation))
}

/// A run to start.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Start {
    /// Any JSON value of at most 256 KiB. The event carries it as `facts.input`.
    #[schema(value_type = Option<Value>)]
    input: Option<Value>,
}

/// A run and its event.
#[derive(Debug, Serialize, ToSchema)]
struct Started {
    event: Event,
    run: Run,
}

/// Run an automation by hand
#[utoipa::path(post, path = "/v1/automations/{id}/run", tag = "automations",
    params(("id" = AutomationId, Path)), request_body = Option<Start>,
    responses(
        (status = CREATED, description = "The run is in the outbox", body = Started),
        (status = CONFLICT, description = "The automation or its manual trigger is disabled")))]
async fn run_automation(
    Tenant(org): Tenant,
    State(state): State<AppState>,
    PathId(id): PathId<AutomationId>,
    OptionalJsonBody(start): OptionalJsonBody<Start>,
) -> Result<(StatusCode, Json<Started>), Problem> {
    let facts = serde_json::json!({ "input": start.input }).to_string();
    let mut checks = Checks::default();
    if facts.len() > FACTS_BYTES_MAX {
        checks.add(
            "/input",
            format!("expected at most {FACTS_BYTES_MAX} bytes"),
        );
    }
    checks.done()?;
    let store = state.store();
    let (event, run) = match store.run_manually(&org, id, facts, clock::now()).await? {
        ManualRun::Started(event, run) => (event, run),
        ManualRun::Disabled => {
            return Err(Problem::conflict("the automation is disabled"));
        }
        ManualRun::TriggerDisabled => {
            return Err(Problem::conflict(
                "the automation's manual trigger is disabled",
            ));
        }
        ManualRun::NotFound => return Err(Problem::not_found("automation")),
    };
    let event = store.event(&org, event).await?;
    let run = store.run(&org, run).await?;
    let (event, run) = event.zip(run).ok_or_else(Problem::internal)?;
    Ok((StatusCode::CREATED, Json(Started { event, run })))
}
