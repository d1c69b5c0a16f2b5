//! A run that a transaction holds: read with its row locked, and written back with
//! its event, its history and its message.
//!
//! Locks are taken in one order: run, event, message. What concerns a message alone
//! (a claim, a retry) takes no other lock.

use crate::domain::run::RunState;
use crate::domain::{EventId, RunId, RunStatus, Timestamp};
use crate::store::StoreError;
use std::time::Duration;
use uuid::Uuid;

/// Selects what a run that is held consists of, and `$more` columns.
macro_rules! held_sql {
    ($where:literal, $lock:literal) => {
        held_sql!("", $where, $lock)
    };
    ($more:literal, $where:literal, $lock:literal) => {
        concat!(
            "select id, org_id, event_id, status, status_reason, attempt, start_id, started_at,
                deadline_at, inactivity_us, heartbeat_due_at, due_at, completed_at, completion_id,
                completion_outcome, result, error",
            $more,
            " from runs where ",
            $where,
            $lock
        )
    };
}

pub(super) use held_sql;

#[derive(sqlx::FromRow)]
pub(in crate::store) struct HeldRow {
    pub(super) id: Uuid,
    org_id: String,
    event_id: Uuid,
    status: String,
    status_reason: Option<String>,
    attempt: i32,
    start_id: Option<String>,
    started_at: Option<i64>,
    deadline_at: Option<i64>,
    inactivity_us: Option<i64>,
    heartbeat_due_at: Option<i64>,
    due_at: Option<i64>,
    completed_at: Option<i64>,
    completion_id: Option<String>,
    completion_outcome: Option<String>,
    result: Option<String>,
    error: Option<String>,
}

/// A run that nobody else can change until the transaction ends.
pub(in crate::store) struct HeldRun {
    pub(in crate::store) id: RunId,
    pub(in crate::store) org: String,
    pub(in crate::store) event: EventId,
    pub(in crate::store) state: RunState,
}

impl TryFrom<HeldRow> for HeldRun {
    type Error = StoreError;

    fn try_from(row: HeldRow) -> Result<Self, StoreError> {
        let outcome = row.completion_outcome.map(|outcome| outcome.parse());
        let state = RunState {
            status: row
                .status
                .parse()
                .map_err(|e| StoreError::unreadable("runs", "status", e))?,
            status_reason: row.status_reason,
            attempt: row.attempt,
            start_id: row.start_id,
            started_at: row.started_at.map(Timestamp),
            deadline_at: row.deadline_at.map(Timestamp),
            inactivity: row
                .inactivity_us
                .map(|us| Duration::from_micros(u64::try_from(us).unwrap_or(0))),
            heartbeat_due_at: row.heartbeat_due_at.map(Timestamp),
            due_at: row.due_at.map(Timestamp),
            completed_at: row.completed_at.map(Timestamp),
            completion_id: row.completion_id,
            completion_outcome: outcome
                .transpose()
                .map_err(|e: String| StoreError::unreadable("runs", "completion_outcome", e))?,
            result: row.result,
            error: row.error,
        };
        Ok(Self {
            id: RunId(row.id),
            org: row.org_id,
            event: EventId(row.event_id),
            state,
        })
    }
}

const OF_ID: &str = held_sql!("org_id = $1 and id = $2", "");
const OF_ID_LOCKED: &str = held_sql!("org_id = $1 and id = $2", " for update");
const OF_EVENT: &str = held_sql!("org_id = $1 and event_id = $2", "");
const OF_EVENT_LOCKED: &str = held_sql!("org_id = $1 and event_id = $2", " for update");

/// How to find the run to hold.
#[derive(Clone, Copy)]
pub(in crate::store) enum Hold {
    /// By its id, which is also its message's.
    Run(Uuid),
    /// By its event.
    Event(EventId),
}

impl Hold {
    /// SQLite has one writer, and knows no other lock.
    pub(in crate::store) const fn sql(self, embedded: bool) -> &'static str {
        match (self, embedded) {
            (Self::Run(_), true) => OF_ID,
            (Self::Run(_), false) => OF_ID_LOCKED,
            (Self::Event(_), true) => OF_EVENT,
            (Self::Event(_), false) => OF_EVENT_LOCKED,
        }
    }

    pub(in crate::store) const fn id(self) -> Uuid {
        match self {
            Self::Run(id) | Self::Event(EventId(id)) => id,
        }
    }
}

/// Locks one run of an organization in the transaction `$tx`, and reads it.
macro_rules! hold_run {
    ($tx:ident, $store:expr, $org:expr, $hold:expr) => {{
        let hold: $crate::store::runs::held::Hold = $hold;
        let row: Option<$crate::store::runs::held::HeldRow> =
            sqlx::query_as(hold.sql($store.is_embedded()))
                .bind($org.as_str())
                .bind(hold.id())
                .fetch_optional(&mut **$tx)
                .await?;
        row.map($crate::store::runs::held::HeldRun::try_from)
            .transpose()?
    }};
}

pub(in crate::store) use hold_run;

/// What an event says is wrong when its run is in this state.
pub(in crate::store) fn event_error(state: &RunState) -> Option<String> {
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

/// Writes what became of the held run `$held`, in the transaction `$tx`: the run, its
/// history, its event, and the end of its hand-off if it was called off.
macro_rules! write_run {
    ($tx:ident, $held:expr, $change:expr, $actor:expr, $now:expr) => {{
        use $crate::domain::run::Change;
        use $crate::domain::{EventStatus, OutboxStatus, RunStatus};
        let held: &$crate::store::runs::held::HeldRun = $held;
        let (state, note) = match $change {
            Change::Nothing => (None, None),
            Change::Kept(state) => (Some(state), None),
            Change::Moved(state, note) => (Some(state), Some(note)),
        };
        if let Some(state) = &state {
            sqlx::query(
                "update runs set status = $2, status_reason = $3, attempt = $4, start_id = $5,
                    started_at = $6, deadline_at = $7, inactivity_us = $8, heartbeat_due_at = $9,
                    due_at = $10, completed_at = $11, completion_id = $12,
                    completion_outcome = $13, result = $14, error = $15
                 where id = $1",
            )
            .bind(held.id.0)
            .bind(state.status.as_str())
            .bind(state.status_reason.as_deref())
            .bind(state.attempt)
            .bind(state.start_id.as_deref())
            .bind(state.started_at.map(|at| at.0))
            .bind(state.deadline_at.map(|at| at.0))
            .bind(state.inactivity.map(|by| i64::try_from(by.as_micros()).unwrap_or(i64::MAX)))
            .bind(state.heartbeat_due_at.map(|at| at.0))
            .bind(state.due_at.map(|at| at.0))
            .bind(state.completed_at.map(|at| at.0))
            .bind(state.completion_id.as_deref())
            .bind(state.completion_outcome.map(|outcome| outcome.as_str()))
            .bind(state.result.as_deref())
            .bind(state.error.as_deref())
            .execute(&mut **$tx)
            .await?;
        }
        if let (Some(state), Some(note)) = (&state, note) {
            let (from, to) = (held.state.status, state.status);
            let (reason, comment) = (note.reason.as_deref(), note.comment.as_deref());
            $crate::store::history::transition!(
                $tx, held.org.as_str(), held.id.0, from, to, $actor, reason, comment, $now
            );
            let (before, after) = (from.event(), to.event());
            if before != after {
                let over = !matches!(after, EventStatus::Queued | EventStatus::Processing);
                // Of an event that was skipped nothing is left to follow its run.
                let done = sqlx::query(
                    "update events set status = $3, error = $4, processed_at = $5
                     where id = $1 and status = $2",
                )
                .bind(held.event.0)
                .bind(before.as_str())
                .bind(after.as_str())
                .bind($crate::store::runs::held::event_error(state))
                .bind(over.then_some($now.0))
                .execute(&mut **$tx)
                .await?;
                if done.rows_affected() == 1 {
                    $crate::store::history::transition!(
                        $tx, held.org.as_str(), held.event.0, before, after, $actor, reason, comment, $now
                    );
                }
            }
            // A consumer that completes a run acknowledges its message itself.
            if matches!(to, RunStatus::Cancelled | RunStatus::TimedOut) {
                sqlx::query(
                    "update outbox set status = $2, due_at = null, lease_token = null, processed_at = $3
                     where id = $1 and due_at is not null",
                )
                .bind(held.id.0)
                .bind(OutboxStatus::Withdrawn.as_str())
                .bind($now.0)
                .execute(&mut **$tx)
                .await?;
            }
        }
    }};
}

pub(in crate::store) use write_run;
