//! A person's decisions about a run.

use super::act::{RunChanged, act};
use crate::api::check::Checks;
use crate::api::extract::{JsonBody, OptionalJsonBody, PathId};
use crate::api::values::{Comment, Reason};
use crate::api::{AppState, Caller, Problem};
use crate::domain::RunId;
use crate::domain::run::{Resolution, RunAction};
use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use utoipa::ToSchema;

/// The cancellation of a run.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CancelRun {
    /// The reason: one line of 1 to 500 characters.
    reason: Option<Reason>,
}

/// The outcome that a person decides on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum ResolvedOutcome {
    /// The work is done.
    Succeeded,
    /// The work is not done.
    Failed,
}

/// A person's decision about a run.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ResolveRun {
    /// The outcome.
    outcome: ResolvedOutcome,
    /// The reason: one line of 1 to 500 characters.
    reason: Reason,
    /// A comment for the history: 1 to 2000 characters.
    comment: Option<Comment>,
}

/// Cancel a run
///
/// Its message is withdrawn from the outbox. A consumer that works on the run gets 409 at
/// its next call.
#[utoipa::path(post, path = "/v1/runs/{id}/cancel", tag = "runs",
    params(("id" = RunId, Path)), request_body = Option<CancelRun>,
    responses(
        (status = OK, description = "Cancelled", body = RunChanged),
        (status = CONFLICT, description = "The run is over")))]
pub(super) async fn cancel_run(
    caller: Caller,
    State(state): State<AppState>,
    PathId(id): PathId<RunId>,
    OptionalJsonBody(body): OptionalJsonBody<CancelRun>,
) -> Result<Json<RunChanged>, Problem> {
    let mut checks = Checks::default();
    let reason = body
        .reason
        .map(|reason| reason.check(&mut checks, "/reason"));
    checks.done()?;
    act(&state, &caller, id, RunAction::Cancel { reason }).await
}

/// Resolve a run
///
/// Sets the outcome of a run that needs a human, has failed or has timed out. The status of
/// its event follows.
#[utoipa::path(post, path = "/v1/runs/{id}/resolve", tag = "runs",
    params(("id" = RunId, Path)), request_body = ResolveRun,
    responses(
        (status = OK, description = "Resolved", body = RunChanged),
        (status = CONFLICT, description = "The run cannot be resolved in its status, or has this outcome")))]
pub(super) async fn resolve_run(
    caller: Caller,
    State(state): State<AppState>,
    PathId(id): PathId<RunId>,
    JsonBody(body): JsonBody<ResolveRun>,
) -> Result<Json<RunChanged>, Problem> {
    let mut checks = Checks::default();
    let reason = body.reason.check(&mut checks, "/reason");
    let comment = body
        .comment
        .map(|comment| comment.check(&mut checks, "/comment"));
    checks.done()?;
    let resolution = RunAction::Resolve(Resolution {
        succeeded: body.outcome == ResolvedOutcome::Succeeded,
        reason,
        comment,
    });
    act(&state, &caller, id, resolution).await
}
