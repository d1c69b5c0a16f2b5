//! Messages of the outbox as people see them, and what people do about dead letters.

use super::due;
use crate::domain::outbox::OutboxMessage;
use crate::domain::run::{NOT_HANDED_OVER, RunAction};
use crate::domain::status::States;
use crate::domain::{OrgId, OutboxId, OutboxStatus, RunStatus, Timestamp};
use crate::signals::Signal;
use crate::store::db::{Query, exec, one, optional, row};
use crate::store::runs::held::{self, Hold};
use crate::store::{Page, PageRequest, Store, StoreError};
use constcat::concat;

/// A person's decision about a message that was not handed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UndeliveredChange {
    /// Hand it over after all, with its attempts counted from zero.
    Retry,
    /// Give it up.
    Discard,
}

/// The result of that decision.
#[derive(Clone, Debug)]
pub enum UndeliveredOutcome {
    /// Written; this is the message now.
    Done(Box<OutboxMessage>),
    /// The organization has no such message.
    NotFound,
    /// It is not a dead letter.
    Refused(OutboxStatus),
    /// Its run is over, so there is nothing to hand over.
    RunOver(RunStatus),
}

/// The dead letters that a bulk call changes.
#[derive(Clone, Copy, Debug, Default)]
pub struct UndeliveredFilter {
    /// Written at this time or later.
    pub since: Option<Timestamp>,
    /// Written before this time.
    pub until: Option<Timestamp>,
}

impl UndeliveredChange {
    fn target(self) -> OutboxStatus {
        match self {
            Self::Retry => OutboxStatus::Pending,
            Self::Discard => OutboxStatus::Discarded,
        }
    }

    /// The number of attempts only rises, so no two attempts look the same to a consumer.
    const fn sql(self) -> &'static str {
        match self {
            Self::Retry => {
                "update outbox set status = $4, due_at = $5, attempts_before = attempt,
                    tried_since = null, error = null, processed_at = null
                 where org_id = $1 and id = $2 and status = $3"
            }
            Self::Discard => {
                "update outbox set status = $4, processed_at = $5
                 where org_id = $1 and id = $2 and status = $3"
            }
        }
    }
}

/// Statuses of runs that may still be handed over.
const OPEN: [RunStatus; 2] = [RunStatus::Queued, RunStatus::Running];

row!(OutboxMessage {
    id,
    kind,
    run_id,
    status,
    attempt,
    due_at,
    error,
    created_at,
    processed_at,
});

/// The due time as people see it: they see no head start.
pub(in crate::store) const SHOWN_DUE_AT: &str =
    "case when due_at < created_at then created_at else due_at end as due_at";
const OF_ORG: &str = concat!(
    "select id, kind, run_id, status, attempt, ",
    SHOWN_DUE_AT,
    ", error, created_at, processed_at from outbox where org_id = "
);
const ONE: &str = concat!(OF_ORG, "$1 and id = $2");

impl Store {
    /// An organization's messages, in one status or in any.
    pub async fn list_messages(
        &self,
        org: &OrgId,
        status: Option<OutboxStatus>,
        page: PageRequest,
    ) -> Result<Page<OutboxMessage>, StoreError> {
        let query = Query::new(OF_ORG).bind(org).and(
            match status {
                Some(OutboxStatus::Pending | OutboxStatus::Processing) => {
                    "due_at is not null and status ="
                }
                // The index of settled messages has few of any status but one.
                _ => "due_at is null and status =",
            },
            status.map(OutboxStatus::as_str),
        );
        let messages = self.read(async |tx| query.page(page).all(tx).await).await?;
        Ok(page.page(messages, |message: &OutboxMessage| message.id.0))
    }

    /// Retries or discards a dead letter. The history of its run names `actor` if the
    /// run waits again.
    pub async fn change_undelivered(
        &self,
        org: &OrgId,
        id: OutboxId,
        change: UndeliveredChange,
        actor: &str,
        now: Timestamp,
    ) -> Result<UndeliveredOutcome, StoreError> {
        self.write(async |tx| {
            // The run before its message, as everywhere.
            let held = held::hold(tx, org, Hold::Run(id.0)).await?;
            let Some(found) = optional!(tx, OutboxMessage, ONE, org, id)? else {
                return Ok(UndeliveredOutcome::NotFound);
            };
            if found.status != OutboxStatus::Failed || !found.status.may_become(change.target()) {
                return Ok(UndeliveredOutcome::Refused(found.status));
            }
            // A message whose run is gone can still be discarded.
            if change == UndeliveredChange::Retry {
                let Some(held) = held else {
                    return Ok(UndeliveredOutcome::NotFound);
                };
                match held.state.after(&RunAction::HandOver, now) {
                    Ok(change) => held::write(tx, &held, change, actor, now).await?,
                    Err(_) => return Ok(UndeliveredOutcome::RunOver(held.state.status)),
                }
            }
            let at = match change {
                UndeliveredChange::Retry => due::at_once(now),
                UndeliveredChange::Discard => now,
            };
            // The status is compared again: a change of a message alone locks no run.
            let changed = exec!(tx, change.sql(), org, id, found.status, change.target(), at,)?;
            if changed == 0 {
                return Ok(UndeliveredOutcome::Refused(change.target()));
            }
            if change == UndeliveredChange::Retry {
                tx.concerns(Signal::Outbox(org.clone()));
            }
            let message = one!(tx, OutboxMessage, ONE, org, id)?;
            Ok(UndeliveredOutcome::Done(Box::new(message)))
        })
        .await
    }

    /// Dead letters that `change` applies to, oldest first.
    pub async fn undelivered(
        &self,
        org: &OrgId,
        change: UndeliveredChange,
        filter: UndeliveredFilter,
        max: u32,
    ) -> Result<Vec<OutboxId>, StoreError> {
        let mut query = Query::new("select o.id from outbox o where o.org_id = ")
            .bind(org)
            .and(
                "o.due_at is null and o.status =",
                Some(OutboxStatus::Failed.as_str()),
            )
            .and("o.created_at >=", filter.since)
            .and("o.created_at <", filter.until);
        if change == UndeliveredChange::Retry {
            query = query
                .push(" and exists (select 1 from runs r where r.id = o.id and (r.status")
                .one_of(OPEN.map(RunStatus::as_str))
                .push(" or r.status_reason = ")
                .bind(NOT_HANDED_OVER)
                .push("))");
        }
        let query = query.push(" order by o.id limit ").bind(i64::from(max));
        let ids: Vec<(OutboxId,)> = self.read(async |tx| query.all(tx).await).await?;
        Ok(ids.into_iter().map(|(id,)| id).collect())
    }
}
