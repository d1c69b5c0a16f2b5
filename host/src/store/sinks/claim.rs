//! T4 of the sinks: messages are claimed to be sent. How a message ends is as for the
//! pull sink, in `outbox.rs`, unless it is put back as if it had never been tried.

use crate::domain::outbox::{ClaimedMessage, LeaseOutcome};
use crate::domain::sink::SinkKind;
use crate::domain::{OrgId, OutboxStatus, SinkId, Timestamp};
use crate::store::matching::org_id;
use crate::store::outbox::{Lease, MessageRow, claim_sql};
use crate::store::pool::{read, write};
use crate::store::routes::SealedSecret;
use crate::store::{Store, StoreError};
use std::time::Duration;
use uuid::Uuid;

/// Where claimed messages are sent.
#[derive(Clone, Debug)]
pub struct SinkTarget {
    /// The sink.
    pub id: SinkId,
    /// Whose it is.
    pub org: OrgId,
    /// What it was when the messages were claimed.
    pub revision: Uuid,
    /// How it is reached.
    pub kind: SinkKind,
    /// The URL of an HTTP sink.
    pub url: Option<String>,
    /// The stream of a Redis sink.
    pub stream: Option<String>,
    /// What requests are signed with, newest first.
    pub secrets: Vec<SealedSecret>,
    /// Whether its circuit is tried by this claim.
    pub is_probe: bool,
}

/// Messages to be sent, and where to.
#[derive(Clone, Debug)]
pub struct Dispatch {
    /// Where to.
    pub target: SinkTarget,
    /// Oldest first; one of a probe.
    pub messages: Vec<ClaimedMessage>,
}

#[derive(sqlx::FromRow)]
struct TargetRow {
    org_id: String,
    kind: String,
    url: Option<String>,
    stream: Option<String>,
    revision: Uuid,
    open_until: Option<i64>,
}

#[derive(sqlx::FromRow)]
struct SecretRow {
    id: Uuid,
    sealed: Vec<u8>,
    expires_at: Option<i64>,
}

macro_rules! target_sql {
    ($lock:literal) => {
        concat!(
            "select org_id, kind, url, stream, revision, open_until from sinks
             where id = $1 and enabled and (open_until is null or open_until <= $2)",
            $lock
        )
    };
}

impl Store {
    /// Sinks that have something to send and may be sent to, in no order that favours
    /// anybody for long: those after `after` first.
    ///
    /// # Errors
    /// If the database is unavailable.
    pub async fn due_sinks(
        &self,
        after: SinkId,
        now: Timestamp,
        max: u32,
    ) -> Result<Vec<SinkId>, StoreError> {
        let ids: Vec<Uuid> = read!(self, pool => {
            sqlx::query_scalar(
                "select s.id from sinks s
                 where s.enabled and (s.open_until is null or s.open_until <= $1)
                    and exists (select 1 from outbox o where o.org_id = s.org_id and o.due_at <= $1)
                 order by case when s.id > $2 then 0 else 1 end, s.id limit $3",
            )
            .bind(now.0)
            .bind(after.0)
            .bind(i64::from(max))
            .fetch_all(pool)
            .await?
        });
        Ok(ids.into_iter().map(SinkId).collect())
    }

    /// Claims up to `max` messages of a sink's organization for the length of `lease`;
    /// one, if that is to show whether its circuit can be closed. None if there is
    /// nothing to send, or it may not be sent just now. A message that was claimed more
    /// than `attempts_max` times becomes a dead letter instead.
    ///
    /// # Errors
    /// If nothing was claimed.
    pub async fn claim_dispatch(
        &self,
        sink: SinkId,
        now: Timestamp,
        lease: Duration,
        max: u32,
        attempts_max: i32,
    ) -> Result<Option<Dispatch>, StoreError> {
        let lease = Lease {
            token: Uuid::new_v4(),
            until: now + lease,
            attempts_max,
        };
        // Whoever holds a sink is done with it in no time, so that is waited for.
        let (target, claim) = match self.is_embedded() {
            true => (target_sql!(""), claim_sql!("", "")),
            false => (
                target_sql!(" for update"),
                claim_sql!("", "for update skip locked"),
            ),
        };
        let claimed = write!(self, tx => {
            let row: Option<TargetRow> = sqlx::query_as(target)
                .bind(sink.0)
                .bind(now.0)
                .fetch_optional(&mut **tx)
                .await?;
            let Some(row) = row else { return Ok(None) };
            let is_probe = row.open_until.is_some();
            let messages: Vec<MessageRow> = sqlx::query_as(claim)
                .bind(row.org_id.as_str())
                .bind(now.0)
                .bind(if is_probe { 1 } else { i64::from(max) })
                .bind(OutboxStatus::Processing.as_str())
                .bind(lease.until.0)
                .bind(lease.token)
                .fetch_all(&mut **tx)
                .await?;
            if messages.is_empty() {
                return Ok(None);
            }
            if is_probe {
                // Nobody else tries, and if this process dies, somebody will.
                sqlx::query("update sinks set open_until = $2 where id = $1")
                    .bind(sink.0)
                    .bind(lease.until.0)
                    .execute(&mut **tx)
                    .await?;
            }
            let secrets: Vec<SecretRow> = sqlx::query_as(
                "select id, sealed, expires_at from webhook_secrets
                 where subject = $1 and (expires_at is null or expires_at > $2) order by id desc",
            )
            .bind(sink.0)
            .bind(now.0)
            .fetch_all(&mut **tx)
            .await?;
            Ok::<_, StoreError>(Some((row, secrets, messages)))
        })?;
        let Some((row, secrets, messages)) = claimed else {
            return Ok(None);
        };
        let kind = row.kind.parse();
        let target = SinkTarget {
            id: sink,
            org: org_id("sinks", &row.org_id)?,
            revision: row.revision,
            kind: kind.map_err(|e: String| StoreError::unreadable("sinks", "kind", e))?,
            url: row.url,
            stream: row.stream,
            secrets: secrets
                .into_iter()
                .map(|secret| SealedSecret {
                    id: secret.id,
                    sealed: secret.sealed,
                    expires_at: secret.expires_at.map(Timestamp),
                })
                .collect(),
            is_probe: row.open_until.is_some(),
        };
        let messages = self
            .claimed_messages(&target.org, messages, lease, now)
            .await;
        if messages.is_empty() {
            if target.is_probe {
                self.end_probe(&target, lease.until, now).await?;
            }
            return Ok(None);
        }
        Ok(Some(Dispatch { target, messages }))
    }

    /// The message of a probe had to be given up unsent: the next one may try at once.
    async fn end_probe(
        &self,
        target: &SinkTarget,
        held_until: Timestamp,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        write!(self, tx => {
            sqlx::query(
                "update sinks set open_until = $4 where id = $1 and revision = $2 and open_until = $3",
            )
            .bind(target.id.0)
            .bind(target.revision)
            .bind(held_until.0)
            .bind(now.0)
            .execute(&mut **tx)
            .await?;
            Ok(())
        })
    }

    /// Gives a message back that was not taken through no fault of its own: the attempt
    /// does not count.
    ///
    /// # Errors
    /// If the database is unavailable.
    pub async fn give_back_message(
        &self,
        org: &OrgId,
        message: &ClaimedMessage,
        at: Timestamp,
        error: &str,
    ) -> Result<LeaseOutcome, StoreError> {
        write!(self, tx => {
            let done = sqlx::query(
                "update outbox set status = $5, due_at = $6, error = $7, lease_token = null,
                    attempts_before = attempts_before + 1
                 where org_id = $1 and id = $2 and lease_token = $3 and status = $4",
            )
            .bind(org.as_str())
            .bind(message.id.0)
            .bind(message.lease_token)
            .bind(OutboxStatus::Processing.as_str())
            .bind(OutboxStatus::Pending.as_str())
            .bind(at.0)
            .bind(error)
            .execute(&mut **tx)
            .await?;
            Ok(match done.rows_affected() {
                1 => LeaseOutcome::Done(OutboxStatus::Pending),
                _ => LeaseOutcome::Lost,
            })
        })
    }
}
