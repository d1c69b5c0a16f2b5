//! A consumer's calls about its run: start, heartbeat, completion.

use super::act::{ATTEMPT, RunChanged, act};
use crate::api::check::Checks;
use crate::api::extract::{JsonBody, OptionalJsonBody, PathId};
use crate::api::values::{Reference, WholeNumber as _, whole};
use crate::api::{AppState, Caller, Problem};
use crate::domain::RunId;
use crate::domain::limits::{REASON_BYTES_MAX, RESULT_BYTES_MAX, bounded};
use crate::domain::run::{Completion, RunAction, RunOutcome, Start};
use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use serde_json::Value;
use std::time::Duration;
use utoipa::ToSchema;

whole!(/// A deadline or an inactivity limit: at most a week.
    LimitSeconds, 1, 604_800);

/// The start of a run.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct StartRun {
    /// An idempotency key of 1 to 512 characters. While the run runs, a start with the
    /// same key gets the same answer.
    start_id: Option<Reference>,
    /// The longest time for this attempt, in seconds: 1 to 604800. If absent, the
    /// operator's default.
    deadline_seconds: Option<LimitSeconds>,
    /// The longest time between two calls of the consumer, in seconds: 1 to 604800. If
    /// absent, the operator's default.
    inactivity_seconds: Option<LimitSeconds>,
}

/// A heartbeat.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Heartbeat {
    /// The caller's attempt, from the answer to its start. If absent, the current attempt.
    #[schema(minimum = 1)]
    attempt: Option<i32>,
}

/// The completion of a run.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CompleteRun {
    /// An idempotency key of 1 to 512 characters. A completion with the same key, outcome,
    /// result and error gets the same answer.
    completion_id: Reference,
    /// The outcome.
    outcome: RunOutcome,
    /// The caller's attempt, from the answer to its start. If absent, the current attempt.
    #[schema(minimum = 1)]
    attempt: Option<i32>,
    /// Any JSON value of at most 256 KiB.
    #[schema(value_type = Option<Value>)]
    result: Option<Value>,
    /// The error, for people. A long text is cut.
    error: Option<String>,
}

/// Start a run
///
/// The caller holds the run, under the attempt in the answer, until it completes the run
/// or exceeds the inactivity limit. After that, the next start takes the run over: the
/// attempt rises, and calls of older attempts get 409. While another consumer holds the
/// run, a start gets 409 with Retry-After. A 409 without Retry-After means that nothing is
/// left to do.
#[utoipa::path(post, path = "/v1/runs/{id}/start", tag = "runs",
    params(("id" = RunId, Path)), request_body = Option<StartRun>,
    responses(
        (status = OK, description = "Started", body = RunChanged),
        (status = CONFLICT, description = "Another consumer holds the run, or it is over")))]
pub(super) async fn start_run(
    caller: Caller,
    State(state): State<AppState>,
    PathId(id): PathId<RunId>,
    OptionalJsonBody(body): OptionalJsonBody<StartRun>,
) -> Result<Json<RunChanged>, Problem> {
    let config = &state.config().runs;
    let mut checks = Checks::default();
    let mut seconds = |pointer: &str, asked: Option<LimitSeconds>, default: u64| {
        Duration::from_secs(asked.map_or(default, |asked| asked.check(&mut checks, pointer)))
    };
    let deadline = seconds(
        "/deadline_seconds",
        body.deadline_seconds,
        config.deadline_seconds.u64(),
    );
    let inactivity = seconds(
        "/inactivity_seconds",
        body.inactivity_seconds,
        config.inactivity_seconds.u64(),
    );
    let start_id = body.start_id.map(|id| id.check(&mut checks, "/start_id"));
    checks.done()?;
    let start = RunAction::Start(Start {
        start_id,
        deadline,
        inactivity,
    });
    act(&state, &caller, id, start).await
}

/// Send a heartbeat
///
/// A heartbeat does not extend the deadline. After 409 the caller must stop: the run was
/// cancelled, timed out, or taken over.
#[utoipa::path(post, path = "/v1/runs/{id}/heartbeat", tag = "runs",
    params(("id" = RunId, Path)), request_body = Option<Heartbeat>,
    responses(
        (status = OK, description = "The run continues", body = RunChanged),
        (status = CONFLICT, description = "The run is not running, or runs in another attempt")))]
pub(super) async fn heartbeat_run(
    caller: Caller,
    State(state): State<AppState>,
    PathId(id): PathId<RunId>,
    OptionalJsonBody(body): OptionalJsonBody<Heartbeat>,
) -> Result<Json<RunChanged>, Problem> {
    let mut checks = Checks::default();
    check_attempt(&mut checks, body.attempt);
    checks.done()?;
    let heartbeat = RunAction::Heartbeat {
        attempt: body.attempt,
    };
    act(&state, &caller, id, heartbeat).await
}

/// Complete a run
///
/// Only the first completion counts. After `needs_human`, a person has to resolve the run.
#[utoipa::path(post, path = "/v1/runs/{id}/complete", tag = "runs",
    params(("id" = RunId, Path)), request_body = CompleteRun,
    responses(
        (status = OK, description = "Completed", body = RunChanged),
        (status = CONFLICT, description = "The run is not running, runs in another attempt, or \
            was completed with this completion_id and another body")))]
pub(super) async fn complete_run(
    caller: Caller,
    State(state): State<AppState>,
    PathId(id): PathId<RunId>,
    JsonBody(body): JsonBody<CompleteRun>,
) -> Result<Json<RunChanged>, Problem> {
    let mut checks = Checks::default();
    check_attempt(&mut checks, body.attempt);
    let completion_id = body.completion_id.check(&mut checks, "/completion_id");
    let result = body.result.map(|result| result.to_string());
    if result
        .as_ref()
        .is_some_and(|json| json.len() > RESULT_BYTES_MAX)
    {
        checks.add(
            "/result",
            format!("expected at most {RESULT_BYTES_MAX} bytes"),
        );
    }
    checks.done()?;
    let completion = RunAction::Complete(Completion {
        completion_id,
        attempt: body.attempt,
        outcome: body.outcome,
        result,
        error: body.error.map(|error| bounded(&error, REASON_BYTES_MAX)),
    });
    act(&state, &caller, id, completion).await
}

fn check_attempt(checks: &mut Checks, attempt: Option<i32>) {
    if let Some(attempt) = attempt {
        let attempt = u64::try_from(attempt).unwrap_or(0);
        checks.number("/attempt", attempt, ATTEMPT);
    }
}
