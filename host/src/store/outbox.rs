//! T4 and T5 of the pull sink: consumers claim messages and acknowledge them.

use super::pool::{Db, write};
use super::{Store, StoreError};
use crate::domain::outbox::{ClaimedMessage, LeaseOutcome};
use crate::domain::{OrgId, OutboxId, OutboxStatus, RunId, Timestamp};
use serde_json::value::RawValue;
use std::time::Duration;
use uuid::Uuid;

#[derive(sqlx::FromRow)]
pub(super) struct MessageRow {
    id: Uuid,
    kind: String,
    payload: String,
    attempt: i32,
    attempts_before: i32,
}

/// What the messages of one claim have in common.
#[derive(Clone, Copy)]
pub(super) struct Lease {
    pub(super) token: Uuid,
    pub(super) until: Timestamp,
    pub(super) attempts_max: i32,
}

// Materialized: a planner that evaluated the limit once more for each row would
// claim more than was asked for.
macro_rules! claim_sql {
    ($unless:literal, $lock:literal) => {
        concat!(
            "with due as materialized (
                select id from outbox where org_id = $1 and due_at <= $2 ",
            $unless,
            " order by due_at, id limit $3 ",
            $lock,
            ")
             update outbox set status = $4, attempt = attempt + 1, due_at = $5, lease_token = $6
             from due where outbox.id = due.id
             returning outbox.id, kind, payload, attempt, attempts_before"
        )
    };
}

pub(super) use claim_sql;

/// What a sink gets, nobody else claims.
macro_rules! pull_sql {
    ($lock:literal) => {
        claim_sql!(
            "and not exists (select 1 from sinks where org_id = $1 and enabled)",
            $lock
        )
    };
}

impl Store {
    /// Claims up to `max` messages for the length of `lease`, oldest first; none
    /// while the organization has a sink that is switched on. One that was claimed more than `attempts_max` times becomes a dead letter
    /// instead: its consumers seem to die of it.
    ///
    /// # Errors
    /// If the database is unavailable.
    pub async fn claim_messages(
        &self,
        org: &OrgId,
        now: Timestamp,
        lease: Duration,
        max: u32,
        attempts_max: i32,
    ) -> Result<Vec<ClaimedMessage>, StoreError> {
        let until = now + lease;
        let token = Uuid::new_v4();
        let status = OutboxStatus::Processing.as_str();
        let rows: Vec<MessageRow> = match &self.db {
            Db::Postgres(pool) => {
                sqlx::query_as(pull_sql!("for update skip locked"))
                    .bind(org.as_str())
                    .bind(now.0)
                    .bind(i64::from(max))
                    .bind(status)
                    .bind(until.0)
                    .bind(token)
                    .fetch_all(pool)
                    .await?
            }
            Db::Sqlite(sqlite) => {
                sqlx::query_as(pull_sql!(""))
                    .bind(org.as_str())
                    .bind(now.0)
                    .bind(i64::from(max))
                    .bind(status)
                    .bind(until.0)
                    .bind(token)
                    .fetch_all(&sqlite.write)
                    .await?
            }
        };
        let lease = Lease {
            token,
            until,
            attempts_max,
        };
        Ok(self.claimed_messages(org, rows, lease, now).await)
    }

    /// What was claimed, oldest first, without what becomes a dead letter instead.
    pub(super) async fn claimed_messages(
        &self,
        org: &OrgId,
        mut rows: Vec<MessageRow>,
        lease: Lease,
        now: Timestamp,
    ) -> Vec<ClaimedMessage> {
        rows.sort_unstable_by_key(|row| row.id);
        let mut messages = Vec::with_capacity(rows.len());
        for row in rows {
            let id = OutboxId(row.id);
            let counted = row.attempt.saturating_sub(row.attempts_before);
            if counted > lease.attempts_max {
                self.bury_message(org, id, lease.token, lease.attempts_max, now)
                    .await;
                continue;
            }
            // One that cannot be read keeps nobody from the others; claimed again
            // and again, it ends as a dead letter.
            let Ok(payload) = RawValue::from_string(row.payload) else {
                tracing::error!(outbox.id = %id, "the payload of a message cannot be read");
                continue;
            };
            messages.push(ClaimedMessage {
                id,
                kind: row.kind,
                payload,
                attempt: row.attempt,
                lease_token: lease.token,
                lease_expires_at: lease.until,
                counted,
            });
        }
        messages
    }

    /// Makes a dead letter of a message that was just claimed. Where that fails the
    /// message stays claimed and is buried after its lease: the others that were
    /// claimed with it must not wait for theirs.
    async fn bury_message(
        &self,
        org: &OrgId,
        id: OutboxId,
        token: Uuid,
        attempts: i32,
        now: Timestamp,
    ) {
        let error = format!("claimed {attempts} times and never acknowledged");
        let buried = self
            .end_lease(
                org,
                id,
                token,
                OutboxStatus::Failed,
                None,
                Some(&error),
                now,
            )
            .await;
        if let Err(error) = buried {
            tracing::warn!(outbox.id = %id, %error, "could not make a dead letter of a message; it is tried again after its lease");
        }
    }

    /// Acknowledges a message.
    ///
    /// # Errors
    /// If the database is unavailable.
    pub async fn ack_message(
        &self,
        org: &OrgId,
        id: OutboxId,
        token: Uuid,
        now: Timestamp,
    ) -> Result<LeaseOutcome, StoreError> {
        self.end_lease(org, id, token, OutboxStatus::Dispatched, None, None, now)
            .await
    }

    /// Gives a message back, to be due again at `retry_at`; without that it
    /// becomes a dead letter, and its run says so.
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
        let status = if retry_at.is_some() {
            OutboxStatus::Pending
        } else {
            OutboxStatus::Failed
        };
        self.end_lease(org, id, token, status, retry_at, error, now)
            .await
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
        Ok(super::pool::read!(self, pool => {
            sqlx::query_scalar("select attempt - attempts_before from outbox where org_id = $1 and id = $2")
                .bind(org.as_str())
                .bind(id.0)
                .fetch_optional(pool)
                .await?
        }))
    }

    #[expect(clippy::too_many_arguments, reason = "one row of one statement")]
    async fn end_lease(
        &self,
        org: &OrgId,
        id: OutboxId,
        token: Uuid,
        status: OutboxStatus,
        due_at: Option<Timestamp>,
        error: Option<&str>,
        now: Timestamp,
    ) -> Result<LeaseOutcome, StoreError> {
        let ended = due_at.is_none().then_some(now.0);
        let failed = status == OutboxStatus::Failed;
        let (outcome, dead) = write!(self, tx => {
            // A lapsed lease that nobody has claimed since still counts: the token
            // is replaced by the next claim, and only that ends it.
            let done: Option<(Uuid, Option<String>)> = sqlx::query_as(
                "update outbox set status = $5, due_at = $6, error = coalesce($7, error),
                    lease_token = null, processed_at = $8
                 where org_id = $1 and id = $2 and lease_token = $3 and status = $4
                 returning run_id, error",
            )
            .bind(org.as_str())
            .bind(id.0)
            .bind(token)
            .bind(OutboxStatus::Processing.as_str())
            .bind(status.as_str())
            .bind(due_at.map(|at| at.0))
            .bind(error)
            .bind(ended)
            .fetch_optional(&mut **tx)
            .await?;
            if let Some((run, error)) = done {
                let dead = failed.then(|| (run, not_handed_over(error)));
                if let Some((run, error)) = &dead {
                    sqlx::query("update runs set error = $3 where org_id = $1 and id = $2")
                        .bind(org.as_str())
                        .bind(run)
                        .bind(error.as_str())
                        .execute(&mut **tx)
                        .await?;
                }
                return Ok((LeaseOutcome::Done(status), dead));
            }
            let found: Option<i32> = sqlx::query_scalar("select 1 from outbox where org_id = $1 and id = $2")
                .bind(org.as_str())
                .bind(id.0)
                .fetch_optional(&mut **tx)
                .await?;
            let outcome = match found {
                Some(_) => LeaseOutcome::Lost,
                None => LeaseOutcome::NotFound,
            };
            Ok::<_, StoreError>((outcome, None))
        })?;
        if let Some((run, error)) = dead {
            tracing::warn!(
                outbox.id = %id,
                run.id = %RunId(run),
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
