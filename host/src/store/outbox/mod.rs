//! The outbox. Consumers of the pull sink claim messages here; `lease.rs` ends a claim,
//! and `dead_letters.rs` has what people see and do.

mod dead_letters;
mod lease;

pub use dead_letters::{UndeliveredChange, UndeliveredFilter, UndeliveredOutcome};

use super::db::{ByEngine, all};
use super::{Store, StoreError};
use crate::domain::outbox::ClaimedMessage;
use crate::domain::{OrgId, OutboxId, OutboxStatus, Timestamp};
use lease::Leased;
use serde_json::value::RawValue;
use std::time::Duration;
use uuid::Uuid;

/// A message as a claim returns it.
#[derive(sqlx_macros::FromRow)]
pub(in crate::store) struct MessageRow {
    id: OutboxId,
    kind: String,
    payload: String,
    attempt: i32,
    attempts_before: i32,
    error: Option<String>,
}

/// The lease that all messages of one claim share.
#[derive(Clone, Copy)]
pub(in crate::store) struct Lease {
    pub(in crate::store) token: Uuid,
    pub(in crate::store) until: Timestamp,
    pub(in crate::store) attempts_max: i32,
}

/// Claims messages of one organization that are due: $1 organization, $2 now, $3 how
/// many, $4 status, $5 end of the lease, $6 its token. `$unless` is a further condition.
// Materialized: a planner that evaluated the limit once more for each row would claim more
// than it was asked for.
macro_rules! claim_sql {
    ($unless:literal) => {
        $crate::store::db::locked!(
            concat!(
                "with due as materialized (
                    select id from outbox where org_id = $1 and due_at <= $2 ",
                $unless,
                " order by due_at, id limit $3"
            ),
            "for update skip locked",
            ") update outbox set status = $4, attempt = attempt + 1, due_at = $5, lease_token = $6
             from due where outbox.id = due.id
             returning outbox.id, kind, payload, attempt, attempts_before, error"
        )
    };
}

pub(in crate::store) use claim_sql;

/// An organization whose sink is switched on is served by that sink alone.
const PULL: ByEngine =
    claim_sql!("and not exists (select 1 from sinks where org_id = $1 and enabled)");

impl Store {
    /// Claims up to `max` messages for the length of `lease`, oldest first; none while
    /// the organization has a sink that is switched on. A message that was claimed more
    /// than `attempts_max` times becomes a dead letter instead: its consumers seem to die
    /// of it.
    pub async fn claim_messages(
        &self,
        org: &OrgId,
        now: Timestamp,
        lease: Duration,
        max: u32,
        attempts_max: i32,
    ) -> Result<Vec<ClaimedMessage>, StoreError> {
        let lease = Lease {
            token: Uuid::new_v4(),
            until: now + lease,
            attempts_max,
        };
        let status = OutboxStatus::Processing;
        let rows = self
            .write_once(async |tx| {
                all!(
                    tx,
                    MessageRow,
                    PULL,
                    org,
                    now,
                    i64::from(max),
                    status,
                    lease.until,
                    lease.token
                )
            })
            .await?;
        Ok(self.claimed_messages(org, rows, lease, now).await)
    }

    /// The claimed messages, oldest first. One that was claimed too often becomes a dead
    /// letter instead.
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
            let id = row.id;
            let counted = row.attempt.saturating_sub(row.attempts_before);
            if counted > lease.attempts_max {
                let times = lease.attempts_max;
                let mut error = format!("claimed {times} times and never acknowledged");
                if let Some(last) = row.error {
                    error = format!("{error}; the last error: {last}");
                }
                let token = lease.token;
                self.bury_message(Leased { org, id, token }, &error, now)
                    .await;
                continue;
            }
            // An unreadable message holds up no other. It is claimed again and again, and
            // ends as a dead letter.
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

    /// Makes a dead letter of a message that was just claimed. If that fails, the message
    /// stays claimed and is tried again after its lease: the other messages of the claim
    /// must not wait for theirs.
    async fn bury_message(&self, lease: Leased<'_>, error: &str, now: Timestamp) {
        let buried = self.bury_lease(lease, Some(error), now).await;
        if let Err(error) = buried {
            tracing::warn!(outbox.id = %lease.id, %error, "could not make a dead letter of a message; it is tried again after its lease");
        }
    }
}
