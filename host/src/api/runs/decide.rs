//! What people decide about a run.

use super::{RunChanged, act};
use crate::api::check::Checks;
use crate::api::extract::{JsonBody, OptionalJsonBody, PathId};
use crate::api::{AppState, Caller, Problem};
use crate::domain::RunId;
use crate::domain::run::{Resolution, RunAction};
use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use utoipa::ToSchema;

/// Why a run is called off.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CancelRun {
    /// One line, 1 to 500 characters.
    reason: Option<String>,
}

/// How a person says that a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum ResolvedOutcome {
    /// It did what it was for, whoever did it.
    Succeeded,
    /// It did not.
    Failed,
}

/// What a person decides about a run.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ResolveRun {
    /// How it ended.
    outcome: ResolvedOutcome,
    /// Why: one line, 1 to 500 characters.
    reason: String,
    /// Whatever else is to be remembered: 1 to 2000 characters.
    comment: Option<String>,
}

/// Call a run off
///
/// Its message is withdrawn. A consumer that works on it learns of that from the answer
/// to its next call.
#[utoipa::path(post, path = "/v1/runs/{id}/cancel", tag = "runs",
    params(("id" = RunId, Path)), request_body = Option<CancelRun>,
    responses(
        (status = OK, description = "Cancelled", body = RunChanged),
        (status = CONFLICT, description = "The run is over",
            body = Problem, content_type = "application/problem+json")))]
pub(super) async fn cancel_run(
    caller: Caller,
    State(state): State<AppState>,
    PathId(id): PathId<RunId>,
    OptionalJsonBody(body): OptionalJsonBody<CancelRun>,
) -> Result<Json<RunChanged>, Problem> {
    let mut checks = Checks::default();
    let reason = body.reason.map(|reason| checks.reason("/reason", &reason));
    checks.done()?;
    act(&state, &caller, id, RunAction::Cancel { reason }).await
}

/// Decide how a run ended
///
/// For a run that needs a human, has failed or has timed out. Its event follows.
#[utoipa::path(post, path = "/v1/runs/{id}/resolve", tag = "runs",
    params(("id" = RunId, Path)), request_body = ResolveRun,
    responses(
        (status = OK, description = "Resolved", body = RunChanged),
        (status = CONFLICT, description = "There is nothing to decide, or nothing would change",
            body = Problem, content_type = "application/problem+json")))]
pub(super) async fn resolve_run(
    caller: Caller,
    State(state): State<AppState>,
    PathId(id): PathId<RunId>,
    JsonBody(body): JsonBody<ResolveRun>,
) -> Result<Json<RunChanged>, Problem> {
    let mut checks = Checks::default();
    let reason = checks.reason("/reason", &body.reason);
    let comment = body
        .comment
        .map(|comment| checks.comment("/comment", &comment));
    checks.done()?;
    let resolution = RunAction::Resolve(Resolution {
        succeeded: body.outcome == ResolvedOutcome::Succeeded,
        reason,
        comment,
    });
    act(&state, &caller, id, resolution).await
}
