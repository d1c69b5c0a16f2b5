//! T5 of all sinks: a message is acknowledged, given back, or given up, by whoever
//! holds its lease; and what that means for its run.

use crate::domain::outbox::LeaseOutcome;
use crate::domain::run::{Change, RunAction};
use crate::domain::{OrgId, OutboxId, OutboxStatus, RunId, RunStatus, Timestamp};
use crate::store::pool::{read, write};
use crate::store::runs::{Hold, hold_run, write_run};
use crate::store::{Store, StoreError};
use std::time::Duration;
use uuid::Uuid;

/// Who the history names for a run that was not handed over.
const ACTOR: &str = "outbox";

/// How a lease ends.
#[derive(Clone, Copy)]
struct Ending<'a> {
    status: OutboxStatus,
    due_at: Option<Timestamp>,
    error: Option<&'a str>,
}

/// Ends a lease in the transaction `$tx`; what is known to be wrong with the message,
/// if the lease was still held. A lapsed lease that nobody has claimed since still
/// counts: the token is replaced by the next claim, and only that ends it.
macro_rules! end_lease {
    ($tx:ident, $org:expr, $id:expr, $token:expr, $ending:expr, $now:expr) => {{
        let ending: Ending = $ending;
        let done: Option<Option<String>> = sqlx::query_scalar(
            "update outbox set status = $5, due_at = $6, error = coalesce($7, error),
                lease_token = null, processed_at = $8
             where org_id = $1 and id = $2 and lease_token = $3 and status = $4
             returning error",
        )
        .bind($org.as_str())
        .bind($id.0)
        .bind($token)
        .bind(OutboxStatus::Processing.as_str())
        .bind(ending.status.as_str())
        .bind(ending.due_at.map(|at| at.0))
        .bind(ending.error)
        .bind(ending.due_at.is_none().then_some($now.0))
        .fetch_optional(&mut **$tx)
        .await?;
        done
    }};
}

/// What ending a lease did; where nothing was done, why.
macro_rules! outcome {
    ($tx:ident, $org:expr, $id:expr, $done:expr, $status:expr) => {
        if $done.is_some() {
            LeaseOutcome::Done($status)
        } else {
            let found: Option<i32> =
                sqlx::query_scalar("select 1 from outbox where org_id = $1 and id = $2")
                    .bind($org.as_str())
                    .bind($id.0)
                    .fetch_optional(&mut **$tx)
                    .await?;
            match found {
                Some(_) => LeaseOutcome::Lost,
                None => LeaseOutcome::NotFound,
            }
        }
    };
}

impl Store {
    /// Acknowledges a message. Its run, if nobody has started it yet, has `start` to
    /// be started: nobody is told of it again.
    ///
    /// # Errors
    /// If the database is unavailable.
    pub async fn ack_message(
        &self,
        org: &OrgId,
        id: OutboxId,
        token: Uuid,
        start: Duration,
        now: Timestamp,
    ) -> Result<LeaseOutcome, StoreError> {
        write!(self, tx => {
            // The run before its message, as everywhere. A lease that is lost in
            // between does no harm: while a message is due, its run is let wait.
            sqlx::query(
                "update runs set due_at = $4 where org_id = $1 and id = $2 and status = $3
                    and exists (select 1 from outbox where id = $2 and lease_token = $5)",
            )
            .bind(org.as_str())
            .bind(id.0)
            .bind(RunStatus::Queued.as_str())
            .bind((now + start).0)
            .bind(token)
            .execute(&mut **tx)
            .await?;
            let ending = Ending { status: OutboxStatus::Dispatched, due_at: None, error: None };
            let done = end_lease!(tx, org, id, token, ending, now);
            Ok(outcome!(tx, org, id, done, ending.status))
        })
    }

    /// Gives a message back, to be due again at `retry_at`; without that it
    /// becomes a dead letter, and its run fails, unless somebody has started it.
    ///
    /// # Errors
    /// If the database is unavailable.
    pub async fn nack_message(
        &self,
        org: &OrgId,
        id: OutboxId,
        token: Uuid,
        retry_at: Option<Timestamp>,
        error: Option<&str>,
        now: Timestamp,
    ) -> Result<LeaseOutcome, StoreError> {
        if retry_at.is_none() {
            return self.bury_lease(org, id, token, error, now).await;
        }
        write!(self, tx => {
            let ending = Ending { status: OutboxStatus::Pending, due_at: retry_at, error };
            let done = end_lease!(tx, org, id, token, ending, now);
            Ok(outcome!(tx, org, id, done, ending.status))
        })
    }

    /// How many of a message's attempts count against the limit.
    ///
    /// # Errors
    /// If the database is unavailable.
    pub async fn message_attempt(
        &self,
        org: &OrgId,
        id: OutboxId,
    ) -> Result<Option<i32>, StoreError> {
        Ok(read!(self, pool => {
            sqlx::query_scalar("select attempt - attempts_before from outbox where org_id = $1 and id = $2")
                .bind(org.as_str())
                .bind(id.0)
                .fetch_optional(pool)
                .await?
        }))
    }

    /// Makes a dead letter of a message whose lease is held.
    pub(super) async fn bury_lease(
        &self,
        org: &OrgId,
        id: OutboxId,
        token: Uuid,
        error: Option<&str>,
        now: Timestamp,
    ) -> Result<LeaseOutcome, StoreError> {
        let (outcome, error) = write!(self, tx => {
            let held = hold_run!(tx, self, org, Hold::Run(id.0));
            let ending = Ending { status: OutboxStatus::Failed, due_at: None, error };
            let done = end_lease!(tx, org, id, token, ending, now);
            let error = done.clone().map(not_handed_over);
            if let (Some(held), Some(error)) = (&held, &error) {
                let give_up = RunAction::GiveUp { error: error.clone() };
                let change = held.state.after(&give_up, now).unwrap_or(Change::Nothing);
                write_run!(tx, held, change, ACTOR, now);
            }
            Ok::<_, StoreError>((outcome!(tx, org, id, done, ending.status), error))
        })?;
        if let Some(error) = error {
            tracing::warn!(
                outbox.id = %id,
                run.id = %RunId(id.0),
                error,
                "a message is a dead letter now: its run was not handed over"
            );
        }
        Ok(outcome)
    }
}

/// What a run says whose message became a dead letter.
fn not_handed_over(error: Option<String>) -> String {
    let error = error.as_deref().unwrap_or("given back too often");
    format!("not handed over: {error}")
}
