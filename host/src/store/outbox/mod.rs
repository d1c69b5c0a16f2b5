//! T4 of the pull sink: consumers claim messages. How a claim ends is in `lease.rs`.

mod lease;

use super::pool::Db;
use super::{Store, StoreError};
use crate::domain::outbox::ClaimedMessage;
use crate::domain::{OrgId, OutboxId, OutboxStatus, Timestamp};
use serde_json::value::RawValue;
use std::time::Duration;
use uuid::Uuid;

#[derive(sqlx::FromRow)]
struct MessageRow {
    id: Uuid,
    kind: String,
    payload: String,
    attempt: i32,
}

// Materialized: a planner that evaluated the limit once more for each row would
// claim more than was asked for.
macro_rules! claim_sql {
    ($lock:literal) => {
        concat!(
            "with due as materialized (
                select id from outbox where org_id = $1 and due_at <= $2
                order by due_at, id limit $3 ",
            $lock,
            ")
             update outbox set status = $4, attempt = attempt + 1, due_at = $5, lease_token = $6
             from due where outbox.id = due.id
             returning outbox.id, kind, payload, attempt"
        )
    };
}

impl Store {
    /// Claims up to `max` messages for the length of `lease`, oldest first. One
    /// that was claimed more than `attempts_max` times becomes a dead letter
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
        let mut rows: Vec<MessageRow> = match &self.db {
            Db::Postgres(pool) => {
                sqlx::query_as(claim_sql!("for update skip locked"))
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
                sqlx::query_as(claim_sql!(""))
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
        rows.sort_unstable_by_key(|row| row.id);
        let mut messages = Vec::with_capacity(rows.len());
        for row in rows {
            let id = OutboxId(row.id);
            if row.attempt > attempts_max {
                self.bury_message(org, id, token, attempts_max, now).await;
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
                lease_token: token,
                lease_expires_at: until,
            });
        }
        Ok(messages)
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
        let buried = self.bury_lease(org, id, token, Some(&error), now).await;
        if let Err(error) = buried {
            tracing::warn!(outbox.id = %id, %error, "could not make a dead letter of a message; it is tried again after its lease");
        }
    }
}
