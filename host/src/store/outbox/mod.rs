//! T4 of the pull sink: consumers claim messages. How a claim ends is in `lease.rs`.

mod lease;

use super::pool::{Db, on_postgres};
use super::{Store, StoreError};
use crate::domain::outbox::ClaimedMessage;
use crate::domain::{OrgId, OutboxId, OutboxStatus, Timestamp};
use serde_json::value::RawValue;
use std::time::Duration;
use uuid::Uuid;

#[derive(sqlx::FromRow)]
pub(in crate::store) struct MessageRow {
    id: Uuid,
    kind: String,
    payload: String,
    attempt: i32,
    attempts_before: i32,
    error: Option<String>,
}

/// What the messages of one claim have in common.
#[derive(Clone, Copy)]
pub(in crate::store) struct Lease {
    pub(in crate::store) token: Uuid,
    pub(in crate::store) until: Timestamp,
    pub(in crate::store) attempts_max: i32,
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
             returning outbox.id, kind, payload, attempt, attempts_before, error"
        )
    };
}

pub(in crate::store) use claim_sql;

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
    /// Claims up to `max` messages for the length of `lease`, oldest first; none while
    /// the organization has a sink that is switched on. One that was claimed more than
    /// `attempts_max` times becomes a dead letter instead: its consumers seem to die of
    /// it.
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
            Db::Postgres(postgres) => on_postgres!(postgres, connection => {
                let claim = sqlx::query_as(pull_sql!("for update skip locked"))
                    .bind(org.as_str())
                    .bind(now.0)
                    .bind(i64::from(max))
                    .bind(status)
                    .bind(until.0)
                    .bind(token);
                Ok::<_, StoreError>(claim.fetch_all(connection).await?)
            })?,
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
    pub(in crate::store) async fn claimed_messages(
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
                let times = lease.attempts_max;
                let mut error = format!("claimed {times} times and never acknowledged");
                if let Some(last) = row.error {
                    error = format!("{error}; the last error: {last}");
                }
                self.bury_message(org, id, lease.token, &error, now).await;
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
        error: &str,
        now: Timestamp,
    ) {
        let buried = self.bury_lease(org, id, token, Some(error), now).await;
        if let Err(error) = buried {
            tracing::warn!(outbox.id = %id, %error, "could not make a dead letter of a message; it is tried again after its lease");
        }
    }
}
