//! The end of a claim on a message: acknowledged, given back, or given up by the holder
//! of its lease; and the consequence for its run.

use super::due;
use crate::domain::outbox::LeaseOutcome;
use crate::domain::run::{Change, RunAction};
use crate::domain::{OrgId, OutboxId, OutboxStatus, RunId, RunStatus, Timestamp};
use crate::signals::Signal;
use crate::store::db::{Tx, exec, optional};
use crate::store::runs::held::{self, Hold};
use crate::store::{Store, StoreError};
use std::time::Duration;
use uuid::Uuid;

/// The actor in the history of a run that was not handed over.
const ACTOR: &str = "outbox";

/// A claimed message, by the token of its lease.
#[derive(Clone, Copy)]
pub(in crate::store) struct Leased<'a> {
    pub(in crate::store) org: &'a OrgId,
    pub(in crate::store) id: OutboxId,
    pub(in crate::store) token: Uuid,
}

/// The state in which a lease leaves its message.
#[derive(Clone, Copy)]
struct Ending<'a> {
    status: OutboxStatus,
    due_at: Option<Timestamp>,
    error: Option<&'a str>,
}

/// Ends a lease; returns the error of the message if the lease was still held. A lapsed
/// lease counts until the next claim of the message, because only a claim replaces the
/// token.
async fn end(
    tx: &mut Tx<'_>,
    lease: Leased<'_>,
    ending: Ending<'_>,
    now: Timestamp,
) -> Result<Option<Option<String>>, StoreError> {
    optional!(
        tx,
        scalar Option<String>,
        "update outbox set status = $4, due_at = $5, error = coalesce($6, error),
            lease_token = null, processed_at = $7
         where org_id = $1 and id = $2 and lease_token = $3 and due_at is not null
         returning error",
        lease.org,
        lease.id,
        lease.token,
        ending.status,
        ending.due_at,
        ending.error,
        ending.due_at.is_none().then_some(now),
    )
}

/// The answer to the consumer that ended a lease; `ended` says whether it was still held.
async fn outcome(
    tx: &mut Tx<'_>,
    lease: Leased<'_>,
    ended: bool,
    status: OutboxStatus,
) -> Result<LeaseOutcome, StoreError> {
    if ended {
        return Ok(LeaseOutcome::Done(status));
    }
    let found = optional!(
        tx,
        scalar i32,
        "select 1 from outbox where org_id = $1 and id = $2",
        lease.org,
        lease.id,
    )?;
    Ok(match found {
        Some(_) => LeaseOutcome::Lost,
        None => LeaseOutcome::NotFound,
    })
}

impl Store {
    /// Acknowledges a message. If its run has not started yet, it times out after `start`: no
    /// other consumer is told about it.
    pub async fn ack_message(
        &self,
        org: &OrgId,
        id: OutboxId,
        token: Uuid,
        start: Duration,
        now: Timestamp,
    ) -> Result<LeaseOutcome, StoreError> {
        let lease = Leased { org, id, token };
        self.write(async |tx| {
            // The run before its message, as everywhere. Losing the lease in between does
            // no harm: the finalizer leaves a run alone while its message is due.
            exec!(
                tx,
                "update runs set due_at = $4 where org_id = $1 and id = $2 and status = $3
                    and exists (select 1 from outbox where id = $2 and lease_token = $5)",
                org,
                id,
                RunStatus::Queued,
                now + start,
                token,
            )?;
            let ending = Ending {
                status: OutboxStatus::Dispatched,
                due_at: None,
                error: None,
            };
            let ended = end(tx, lease, ending, now).await?.is_some();
            outcome(tx, lease, ended, ending.status).await
        })
        .await
    }

    /// Gives a message back, to be due again at `retry_at`. Without that it becomes a
    /// dead letter, and its run fails unless a consumer has started it.
    pub async fn nack_message(
        &self,
        org: &OrgId,
        id: OutboxId,
        token: Uuid,
        retry_at: Option<Timestamp>,
        error: Option<&str>,
        now: Timestamp,
    ) -> Result<LeaseOutcome, StoreError> {
        let lease = Leased { org, id, token };
        if retry_at.is_none() {
            return self.bury_lease(lease, error, now).await;
        }
        self.write(async |tx| {
            let ending = Ending {
                status: OutboxStatus::Pending,
                due_at: retry_at.map(|at| due::at(at, now)),
                error,
            };
            let ended = end(tx, lease, ending, now).await?.is_some();
            if ended {
                // Giving back a message whose run is in hand is no failure of the message.
                exec!(
                    tx,
                    "update outbox set attempts_before = attempts_before + 1
                     where org_id = $1 and id = $2 and exists (
                        select 1 from runs where runs.id = $2 and runs.status = $3
                            and heartbeat_due_at > $4 and deadline_at > $4)",
                    org,
                    id,
                    RunStatus::Running,
                    now,
                )?;
            }
            // A later retry wakes nobody: others look again from time to time.
            if ended && retry_at.is_some_and(|at| at <= now) {
                tx.concerns(Signal::Outbox(org.clone()));
            }
            outcome(tx, lease, ended, ending.status).await
        })
        .await
    }

    /// The number of a message's attempts that count against the limit.
    pub async fn message_attempt(
        &self,
        org: &OrgId,
        id: OutboxId,
    ) -> Result<Option<i32>, StoreError> {
        const SQL: &str =
            "select attempt - attempts_before from outbox where org_id = $1 and id = $2";
        self.read(async |tx| optional!(tx, scalar i32, SQL, org, id))
            .await
    }

    /// Makes a dead letter of a message whose lease is held.
    pub(in crate::store) async fn bury_lease(
        &self,
        lease: Leased<'_>,
        error: Option<&str>,
        now: Timestamp,
    ) -> Result<LeaseOutcome, StoreError> {
        let ending = Ending {
            status: OutboxStatus::Failed,
            due_at: None,
            error,
        };
        let bury = async |tx: &mut Tx<'_>| {
            let held = held::hold(tx, lease.org, Hold::Run(lease.id.0)).await?;
            let ended = end(tx, lease, ending, now).await?;
            let is_ended = ended.is_some();
            let error = ended.map(not_handed_over);
            if let (Some(held), Some(error)) = (&held, &error) {
                let give_up = RunAction::GiveUp {
                    error: error.clone(),
                };
                let change = held.state.after(&give_up, now).unwrap_or(Change::Nothing);
                held::write(tx, held, change, ACTOR, now).await?;
            }
            Ok((outcome(tx, lease, is_ended, ending.status).await?, error))
        };
        let (outcome, error) = self.write(bury).await?;
        if let Some(error) = error {
            tracing::warn!(
                outbox.id = %lease.id,
                run.id = %RunId(lease.id.0),
                error,
                "a message is a dead letter now: its run was not handed over"
            );
        }
        Ok(outcome)
    }
}

/// The error of a run whose message became a dead letter.
fn not_handed_over(error: Option<String>) -> String {
    let error = error.as_deref().unwrap_or("given back too often");
    format!("not handed over: {error}")
}
