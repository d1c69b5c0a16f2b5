//! What the consumer of a run says: that it starts, that it is alive, that it is done.

use super::{ATTEMPT, RunChanged, act};
use crate::api::check::Checks;
use crate::api::extract::{JsonBody, OptionalJsonBody, PathId};
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

/// The longest deadline and the longest silence that a consumer may ask for.
const SECONDS_MAX: u64 = 7 * 24 * 3_600;

/// How a consumer starts a run.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct StartRun {
    /// A name for this start, up to 512 characters: sent once more, as long as the run
    /// runs, it is answered as the first time.
    start_id: Option<String>,
    /// How long the run may take, in seconds: 1 to 604800. Absent: what the operator
    /// configured.
    deadline_seconds: Option<u64>,
    /// How long to be silent at most, in seconds: 1 to 604800. Absent: what the
    /// operator configured.
    inactivity_seconds: Option<u64>,
}

/// A sign of life.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Heartbeat {
    /// The attempt that speaks, from the answer to its start. Absent: whichever runs.
    attempt: Option<i32>,
}

/// How a run ended.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CompleteRun {
    /// A name for this completion, 1 to 512 characters: sent once more with the same
    /// outcome, result and error, it is answered as the first time.
    completion_id: String,
    /// How it ended.
    outcome: RunOutcome,
    /// The attempt that speaks, from the answer to its start. Absent: whichever runs.
    attempt: Option<i32>,
    /// Any JSON, up to 256 KiB.
    #[schema(value_type = Option<Value>)]
    result: Option<Value>,
    /// What went wrong, for people.
    error: Option<String>,
}

/// Start a run
///
/// The run is the caller's, under the attempt in the answer, until it completes the
/// run, or is silent for too long. Whoever starts it after that takes it over: the
/// attempt rises, and the older one has no say any more. While somebody works on the
/// run, the answer is 409, and Retry-After says when it can be taken over; a 409
/// without that means that nothing is left to do.
#[utoipa::path(post, path = "/v1/runs/{id}/start", tag = "runs",
    params(("id" = RunId, Path)), request_body = Option<StartRun>,
    responses(
        (status = OK, description = "Started", body = RunChanged),
        (status = CONFLICT, description = "Another consumer works on the run, or it is over",
            body = Problem, content_type = "application/problem+json")))]
pub(super) async fn start_run(
    caller: Caller,
    State(state): State<AppState>,
    PathId(id): PathId<RunId>,
    OptionalJsonBody(body): OptionalJsonBody<StartRun>,
) -> Result<Json<RunChanged>, Problem> {
    let config = &state.config().runs;
    let mut checks = Checks::default();
    for (pointer, seconds) in [
        ("/deadline_seconds", body.deadline_seconds),
        ("/inactivity_seconds", body.inactivity_seconds),
    ] {
        if let Some(seconds) = seconds {
            checks.number(pointer, seconds, 1..=SECONDS_MAX);
        }
    }
    let start_id = body.start_id.map(|id| checks.reference("/start_id", &id));
    checks.done()?;
    let seconds = |asked: Option<u64>, default: u64| Duration::from_secs(asked.unwrap_or(default));
    let start = RunAction::Start(Start {
        start_id,
        deadline: seconds(body.deadline_seconds, config.deadline_seconds),
        inactivity: seconds(body.inactivity_seconds, config.inactivity_seconds),
    });
    act(&state, &caller, id, start).await
}

/// Show that a run is alive
///
/// Its deadline stays as it is. After 409 the caller has nothing to do with the run any
/// more: it was called off, timed out, or taken over.
#[utoipa::path(post, path = "/v1/runs/{id}/heartbeat", tag = "runs",
    params(("id" = RunId, Path)), request_body = Option<Heartbeat>,
    responses(
        (status = OK, description = "Heard", body = RunChanged),
        (status = CONFLICT, description = "The run does not run, or in another attempt",
            body = Problem, content_type = "application/problem+json")))]
pub(super) async fn heartbeat_run(
    caller: Caller,
    State(state): State<AppState>,
    PathId(id): PathId<RunId>,
    OptionalJsonBody(body): OptionalJsonBody<Heartbeat>,
) -> Result<Json<RunChanged>, Problem> {
    let mut checks = Checks::default();
    attempt(&mut checks, body.attempt);
    checks.done()?;
    let heartbeat = RunAction::Heartbeat {
        attempt: body.attempt,
    };
    act(&state, &caller, id, heartbeat).await
}

/// Complete a run
///
/// The first completion counts. After `needs_human` a person has to resolve the run.
#[utoipa::path(post, path = "/v1/runs/{id}/complete", tag = "runs",
    params(("id" = RunId, Path)), request_body = CompleteRun,
    responses(
        (status = OK, description = "Completed", body = RunChanged),
        (status = CONFLICT, description = "The run does not run, or in another attempt, or this \
            completion_id came with another body", body = Problem,
            content_type = "application/problem+json")))]
pub(super) async fn complete_run(
    caller: Caller,
    State(state): State<AppState>,
    PathId(id): PathId<RunId>,
    JsonBody(body): JsonBody<CompleteRun>,
) -> Result<Json<RunChanged>, Problem> {
    let mut checks = Checks::default();
    attempt(&mut checks, body.attempt);
    let completion_id = checks.reference("/completion_id", &body.completion_id);
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

fn attempt(checks: &mut Checks, attempt: Option<i32>) {
    if let Some(attempt) = attempt {
        let attempt = u64::try_from(attempt).unwrap_or(0);
        checks.number("/attempt", attempt, ATTEMPT);
    }
}
