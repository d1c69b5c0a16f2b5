//! A run that a transaction holds: read with its row locked, and written back with its
//! event, its history and its message.
//!
//! Every transaction locks in this order: run, event, message. A transaction that
//! concerns a message alone (a claim, a retry) takes no other lock.

use crate::domain::run::{Change, RunState};
use crate::domain::{EventId, EventStatus, OrgId, OutboxStatus, RunId, RunStatus, Timestamp};
use crate::signals::Signal;
use crate::store::StoreError;
use crate::store::db::{ByEngine, Tx, exec, locked, optional, row, update};
use crate::store::history::{self, Transition};
use crate::store::outbox::due;
use uuid::Uuid;

row!(RunState {
    status, status_reason, attempt, start_id, started_at, deadline_at,
    inactivity = "inactivity_us" opt Micros, heartbeat_due_at, due_at, completed_at, completion_id,
    completion_outcome, result, error,
});

/// A run that no other transaction can change until this one ends.
#[derive(sqlx_macros::FromRow)]
pub(in crate::store) struct HeldRun {
    pub(in crate::store) id: RunId,
    #[sqlx(rename = "org_id")]
    pub(in crate::store) org: OrgId,
    #[sqlx(rename = "event_id")]
    pub(in crate::store) event: EventId,
    #[sqlx(flatten)]
    pub(in crate::store) state: RunState,
}

/// The columns of a [`HeldRun`].
pub(super) const SELECT_HELD: &str =
    constcat::concat!("select id, org_id, event_id, ", RunState::COLUMNS, " ");

const OF_ID: ByEngine = locked!(
    constcat::concat!(SELECT_HELD, "from runs where org_id = $1 and id = $2"),
    "for update"
);
const OF_EVENT: ByEngine = locked!(
    constcat::concat!(SELECT_HELD, "from runs where org_id = $1 and event_id = $2"),
    "for update"
);

/// Finds the run to hold.
#[derive(Clone, Copy)]
pub(in crate::store) enum Hold {
    /// By its id, which is also its message's.
    Run(Uuid),
    /// By its event.
    Event(EventId),
}

/// Locks one run of an organization, and reads it.
pub(in crate::store) async fn hold(
    tx: &mut Tx<'_>,
    org: &OrgId,
    hold: Hold,
) -> Result<Option<HeldRun>, StoreError> {
    let (sql, id) = match hold {
        Hold::Run(id) => (OF_ID, id),
        Hold::Event(event) => (OF_EVENT, event.0),
    };
    optional!(tx, HeldRun, sql, org, id)
}

/// The error that an event shows while its run is in this state.
fn event_error(state: &RunState) -> Option<String> {
    match state.status {
        RunStatus::Queued | RunStatus::Running | RunStatus::Succeeded => None,
        status => Some(
            state
                .error
                .clone()
                .unwrap_or_else(|| format!("the run is {status}")),
        ),
    }
}

/// Writes a change of a held run: the run, its history, its event, and the end of its
/// hand-off if it was called off.
pub(in crate::store) async fn write(
    tx: &mut Tx<'_>,
    held: &HeldRun,
    change: Change,
    actor: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    let (state, note) = match change {
        Change::Nothing => return Ok(()),
        Change::Kept(state) => (state, None),
        Change::Moved(state, note) => (state, Some(note)),
    };
    let inactivity_us = state
        .inactivity
        .map(|by| i64::try_from(by.as_micros()).unwrap_or(i64::MAX));
    update!(tx, "runs" set {
        status: state.status,
        status_reason: state.status_reason.as_deref(),
        attempt: state.attempt,
        start_id: state.start_id.as_deref(),
        started_at: state.started_at,
        deadline_at: state.deadline_at,
        inactivity_us: inactivity_us,
        heartbeat_due_at: state.heartbeat_due_at,
        due_at: state.due_at,
        completed_at: state.completed_at,
        completion_id: state.completion_id.as_deref(),
        completion_outcome: state.completion_outcome,
        result: state.result.as_deref(),
        error: state.error.as_deref(),
    } where { id: held.id })?;
    let Some(note) = note else { return Ok(()) };
    let step = |from, to| Transition {
        org: &held.org,
        from,
        to,
        actor,
        reason: note.reason.as_deref(),
        comment: note.comment.as_deref(),
        at: now,
    };
    let (from, to) = (held.state.status, state.status);
    history::add(tx, held.id.0, step(from.as_str(), to.as_str())).await?;
    let (before, after) = (from.event(), to.event());
    if before != after {
        let is_over = !matches!(after, EventStatus::Queued | EventStatus::Processing);
        // An event that was skipped no longer follows its run.
        let followed = update!(tx, "events" set {
            status: after,
            error: event_error(&state),
            processed_at: is_over.then_some(now),
        } where { id: held.event, status: before })?;
        if followed == 1 {
            history::add(tx, held.event.0, step(before.as_str(), after.as_str())).await?;
        }
    }
    // A consumer that completes a run acknowledges its message itself.
    if matches!(to, RunStatus::Cancelled | RunStatus::TimedOut) {
        exec!(
            tx,
            "update outbox set status = $2, due_at = null, lease_token = null, processed_at = $3
             where id = $1 and due_at is not null",
            held.id,
            OutboxStatus::Withdrawn,
            now,
        )?;
    } else if to.is_over() {
        // A message that waits for its run, and whose consumer may be gone, waits no more:
        // another one acknowledges it.
        let waited = exec!(
            tx,
            "update outbox set due_at = $2 where id = $1 and status = $3 and due_at > $4",
            held.id,
            due::at_once(now),
            OutboxStatus::Pending,
            now,
        )?;
        if waited > 0 {
            tx.concerns(Signal::Outbox(held.org.clone()));
        }
    }
    Ok(())
}
