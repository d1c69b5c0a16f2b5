//! Claims the messages of a sink's organization, to be sent. A claim ends as for the pull
//! sink, in `outbox/lease.rs`, or is given back as if it had never been tried.

use crate::domain::outbox::{ClaimedMessage, LeaseOutcome};
use crate::domain::sink::SinkAddress;
use crate::domain::{OrgId, OutboxStatus, SinkId, Timestamp};
use crate::signals::Signal;
use crate::store::db::{ByEngine, all, exec, locked, optional, update};
use crate::store::outbox::{Lease, claim, claim_sql, due};
use crate::store::{SealedSecret, Store, StoreError};
use std::time::Duration;
use uuid::Uuid;

/// The destination of claimed messages.
#[derive(Clone, Debug)]
pub struct SinkTarget {
    /// The sink.
    pub id: SinkId,
    /// Its organization.
    pub org: OrgId,
    /// The revision of the sink when the messages were claimed.
    pub revision: Uuid,
    /// Its address.
    pub address: SinkAddress,
    /// The secrets that sign requests, newest first.
    pub secrets: Vec<SealedSecret>,
    /// True if this claim probes the sink's open circuit.
    pub is_probe: bool,
}

/// Messages to be sent, and their destination.
#[derive(Clone, Debug)]
pub struct Dispatch {
    /// The destination.
    pub target: SinkTarget,
    /// Oldest first; a probe has one.
    pub messages: Vec<ClaimedMessage>,
}

#[derive(sqlx_macros::FromRow)]
struct TargetRow {
    org_id: OrgId,
    #[sqlx(flatten)]
    address: SinkAddress,
    revision: Uuid,
    open_until: Option<Timestamp>,
}

const TARGET: ByEngine = locked!(
    "select org_id, kind, url, stream, revision, open_until from sinks
     where id = $1 and enabled and (open_until is null or open_until <= $2)",
    "for update"
);
const CLAIM: ByEngine = claim_sql!("");

impl Store {
    /// Claims up to `max` messages of a sink's organization for the length of `lease`; one,
    /// if it probes an open circuit. None if no message is due, or the circuit is open. A
    /// message that was claimed more than `attempts_max` times becomes a dead letter instead.
    pub async fn claim_dispatch(
        &self,
        sink: SinkId,
        now: Timestamp,
        lease: Duration,
        max: u32,
        attempts_max: i32,
    ) -> Result<Option<Dispatch>, StoreError> {
        let lease = Lease::new(now, lease, attempts_max);
        let claimed = self
            .write(async |tx| {
                // A transaction that holds a sink ends at once, so this one waits for it.
                let Some(row) = optional!(tx, TargetRow, TARGET, sink, now)? else {
                    return Ok(None);
                };
                let is_probe = row.open_until.is_some();
                let max = if is_probe { 1 } else { max };
                let org = &row.org_id;
                let messages = claim(tx, &self.marks, CLAIM, org, lease, max, now).await?;
                if messages.is_empty() {
                    return Ok(None);
                }
                if is_probe {
                    // No other replica tries until this probe's lease has lapsed.
                    update!(tx, "sinks" set { open_until: lease.until } where { id: sink })?;
                }
                let secrets = all!(
                    tx,
                    SealedSecret,
                    "select id, sealed, expires_at from webhook_secrets
                 where subject = $1 and (expires_at is null or expires_at > $2) order by id desc",
                    sink,
                    now,
                )?;
                Ok(Some((row, secrets, messages)))
            })
            .await?;
        let Some((row, secrets, messages)) = claimed else {
            return Ok(None);
        };
        let target = SinkTarget {
            id: sink,
            org: row.org_id,
            revision: row.revision,
            address: row.address,
            secrets,
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

    /// The message of a probe became a dead letter unsent: the next probe may start at once.
    async fn end_probe(
        &self,
        target: &SinkTarget,
        held_until: Timestamp,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.write_once(async |tx| {
            update!(tx, "sinks" set { open_until: now } where {
                id: target.id,
                revision: target.revision,
                open_until: held_until,
            })
        })
        .await?;
        Ok(())
    }

    /// Gives back a message whose failure was not its own fault, to be due again after
    /// `wait`: the attempt does not count.
    pub async fn give_back_message(
        &self,
        org: &OrgId,
        message: &ClaimedMessage,
        wait: Duration,
        error: &str,
        now: Timestamp,
    ) -> Result<LeaseOutcome, StoreError> {
        const SQL: &str =
            "update outbox set status = $5, due_at = $6, error = $7, lease_token = null,
                attempts_before = attempts_before + 1,
                tried_since = case when attempt = attempts_before + 1 then null
                    else tried_since end
             where org_id = $1 and id = $2 and lease_token = $3 and status = $4";
        let changed = self
            .write_once(async |tx| {
                // Once a sink is off, consumers may claim its messages.
                tx.concerns(Signal::Outbox(org.clone()));
                exec!(
                    tx,
                    SQL,
                    org,
                    message.id,
                    message.lease_token,
                    OutboxStatus::Processing,
                    OutboxStatus::Pending,
                    due::at(now + wait, now),
                    error,
                )
            })
            .await?;
        Ok(match changed {
            1 => LeaseOutcome::Done(OutboxStatus::Pending),
            _ => LeaseOutcome::Lost,
        })
    }
}
