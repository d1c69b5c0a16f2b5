//! Claims of messages, for consumers of the pull sink and for the dispatcher.
//!
//! A message whose run is in somebody's hands is not claimed: it waits until the run may be
//! taken over, and no attempt is used up.

use super::lease::Leased;
use super::marks::Marks;
use crate::domain::outbox::ClaimedMessage;
use crate::domain::{OrgId, OutboxId, OutboxStatus, RunStatus, Timestamp};
use crate::store::db::{ByEngine, Tx, all};
use crate::store::{Store, StoreError};
use serde_json::value::RawValue;
use std::time::Duration;
use uuid::Uuid;

/// A message that a claim looked at.
#[derive(sqlx_macros::FromRow)]
pub(in crate::store) struct MessageRow {
    id: OutboxId,
    kind: String,
    payload: String,
    attempt: i32,
    attempts_before: i32,
    tried_since: Option<Timestamp>,
    error: Option<String>,
    /// False if it waits for its run.
    is_claimed: bool,
    /// Its due time before the claim; only Postgres says it.
    was_due_at: Option<Timestamp>,
}

/// The lease that all messages of one claim share.
#[derive(Clone, Copy)]
pub(in crate::store) struct Lease {
    token: Uuid,
    pub(in crate::store) until: Timestamp,
    attempts_max: i32,
}

impl Lease {
    /// A lease that begins now.
    pub(in crate::store) fn new(now: Timestamp, length: Duration, attempts_max: i32) -> Self {
        Self {
            token: Uuid::new_v4(),
            until: now + length,
            attempts_max,
        }
    }
}

/// Claims due messages of one organization. $1 organization, $2 now, $3 how many, $4 status,
/// $5 end of the lease, $6 its token, $7 status of a run in hand, $8 status of a message
/// that waits for it; $9 to $10 and $11 to $12 the due times to look at, one range after the
/// other. A message whose lease has lapsed while its run is in hand waits for the run, and
/// keeps the token; one that was given back has none. Each range is read in the order of the index. `$unless` is a further condition.
// Materialized: a planner that evaluated the limit once more for each row would claim more
// than it was asked for.
macro_rules! claim_sql {
    ($unless:literal) => {
        $crate::store::db::ByEngine {
            postgres: $crate::store::outbox::claim_sql!(
                @text $unless, "for update skip locked", "taken.due_at"
            ),
            // SQLite cannot return what stands in another table.
            sqlite: $crate::store::outbox::claim_sql!(@text $unless, "", "null"),
        }
    };
    (@text $unless:literal, $lock:literal, $was_due_at:literal) => {
        concat!(
            "with first as materialized (
                select id, due_at, lease_token from outbox where org_id = $1 and due_at > $9 and due_at <= $10 ",
            $unless, " order by due_at, id limit $3 ", $lock, "
            ), second as materialized (
                select id, due_at, lease_token from outbox where org_id = $1 and due_at > $11 and due_at <= $12 ",
            $unless, " order by due_at, id limit $3 - (select count(*) from first) ", $lock, "
            ), due as (select id, due_at, lease_token from first union all select id, due_at, lease_token from second
            ), taken as (
                select due.id, due.due_at,
                    case when heartbeat_due_at < deadline_at then heartbeat_due_at
                        else deadline_at end as in_hand_until
                from due left join runs on runs.id = due.id and runs.status = $7
                    and due.lease_token is not null
                    and runs.heartbeat_due_at > $2 and runs.deadline_at > $2
            )
            update outbox set
                status = case when in_hand_until is null then $4 else $8 end,
                attempt = attempt + case when in_hand_until is null then 1 else 0 end,
                due_at = coalesce(in_hand_until, $5),
                lease_token = case when in_hand_until is null then $6 else lease_token end,
                tried_since = case when in_hand_until is null then coalesce(tried_since, $2)
                    else tried_since end
             from taken where outbox.id = taken.id
             returning outbox.id, kind, payload, attempt, attempts_before, tried_since, error,
                coalesce(lease_token = $6, false) as is_claimed, ", $was_due_at, " as was_due_at"
        )
    };
}

pub(in crate::store) use claim_sql;

/// An organization whose sink is switched on is served by that sink alone.
const PULL: ByEngine =
    claim_sql!("and not exists (select 1 from sinks where org_id = $1 and enabled)");

/// Runs a claim until it has `max` messages or none is left. A message that waits for its
/// run takes the place of one that is due, so then it looks again.
pub(in crate::store) async fn claim(
    tx: &mut Tx<'_>,
    marks: &Marks,
    sql: ByEngine,
    org: &OrgId,
    lease: Lease,
    max: u32,
    now: Timestamp,
) -> Result<Vec<MessageRow>, StoreError> {
    let mut claimed = Vec::new();
    loop {
        let look = marks.look(org, now);
        let (first, second) = match look.timed_first {
            true => (look.timed, look.at_once),
            false => (look.at_once, look.timed),
        };
        let left = (max as usize).saturating_sub(claimed.len());
        let rows = all!(
            tx,
            MessageRow,
            sql,
            org,
            now,
            i64::try_from(left).unwrap_or(i64::MAX),
            OutboxStatus::Processing,
            lease.until,
            lease.token,
            RunStatus::Running,
            OutboxStatus::Pending,
            first.0,
            first.1,
            second.0,
            second.1,
        )?;
        let is_all = rows.len() < left;
        let due = rows.iter().filter_map(|row| row.was_due_at);
        // A claim that found nothing says nothing: a sink may have been in its way.
        marks.looked(org, &look, due, is_all && !rows.is_empty());
        let looked_at = rows.len();
        let before = claimed.len();
        claimed.extend(rows.into_iter().filter(|row| row.is_claimed));
        if is_all || claimed.len() - before == looked_at {
            return Ok(claimed);
        }
    }
}

impl Store {
    /// Claims up to `max` messages for the length of `lease`; none while the organization
    /// has a sink that is switched on. A message that was claimed more than `attempts_max`
    /// times becomes a dead letter instead: its consumers seem to die of it.
    pub async fn claim_messages(
        &self,
        org: &OrgId,
        now: Timestamp,
        lease: Duration,
        max: u32,
        attempts_max: i32,
    ) -> Result<Vec<ClaimedMessage>, StoreError> {
        let lease = Lease::new(now, lease, attempts_max);
        let rows = self
            .write_once(async |tx| claim(tx, &self.marks, PULL, org, lease, max, now).await)
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
                tried_since: row.tried_since.unwrap_or(now),
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
