//! Applies an action to a run, for consumers and people alike.

use crate::api::{AppState, Caller, Problem};
use crate::clock;
use crate::domain::run::{Run, RunAction, RunRefusal};
use crate::domain::{RunId, Timestamp};
use crate::store::RunActionOutcome;
use axum::Json;
use serde::Serialize;
use std::ops::RangeInclusive;
use utoipa::ToSchema;

/// The valid numbers of an attempt.
pub(super) const ATTEMPT: RangeInclusive<u64> = 1..=i32::MAX as u64;

/// A run after a change.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RunChanged {
    run: Run,
}

/// Applies an action to a run. The history names the caller.
pub(super) async fn act(
    state: &AppState,
    caller: &Caller,
    id: RunId,
    action: RunAction,
) -> Result<Json<RunChanged>, Problem> {
    let (actor, now) = (caller.actor(), clock::now());
    let store = state.store();
    match store
        .act_on_run(&caller.org, id, &action, &actor, now)
        .await?
    {
        RunActionOutcome::Done(run) => Ok(Json(RunChanged { run: *run })),
        RunActionOutcome::NotFound => Err(Problem::not_found("run")),
        RunActionOutcome::Refused(refusal) => Err(refused(&refusal, now)),
    }
}

fn refused(refusal: &RunRefusal, now: Timestamp) -> Problem {
    let problem = Problem::conflict(refusal.to_string());
    match refusal {
        RunRefusal::InHand { until, .. } => {
            let micros = u64::try_from(until.micros_since(now)).unwrap_or(0);
            problem.retry_after(micros.div_ceil(1_000_000).max(1))
        }
        _ => problem,
    }
}
