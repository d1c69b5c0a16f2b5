//! Messages of the outbox as people see them, and what they do about dead letters.

use super::pool::{read, write};
use super::runs::{Hold, hold_run, write_run};
use super::{Page, PageRequest, Store, StoreError};
use crate::domain::outbox::OutboxMessage;
use crate::domain::run::{NOT_HANDED_OVER, RunAction};
use crate::domain::status::States;
use crate::domain::{OrgId, OutboxId, OutboxStatus, RunId, RunStatus, Timestamp};
use uuid::Uuid;

/// What a person may do about a message that was not handed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UndeliveredChange {
    /// Hand it over after all, with its attempts counted anew.
    Retry,
    /// Give it up.
    Discard,
}

/// What came of it.
#[derive(Clone, Debug)]
pub enum UndeliveredOutcome {
    /// Written; this is the message now.
    Done(Box<OutboxMessage>),
    /// No such message in this organization.
    NotFound,
    /// It is no dead letter.
    Refused(OutboxStatus),
    /// Nobody is to work on its run any more, so there is nothing to hand over.
    RunOver(RunStatus),
}

/// Which dead letters are changed together.
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

    /// The number of attempts is left alone: whoever sees two of them tells them apart.
    const fn sql(self) -> &'static str {
        match self {
            Self::Retry => {
                "update outbox set status = $4, due_at = $5, attempts_before = attempt,
                    error = null, processed_at = null
                 where org_id = $1 and id = $2 and status = $3"
            }
            Self::Discard => {
                "update outbox set status = $4, processed_at = $5
                 where org_id = $1 and id = $2 and status = $3"
            }
        }
    }
}

/// Statuses of runs that somebody may still be told of.
const OPEN: [RunStatus; 2] = [RunStatus::Queued, RunStatus::Running];

#[derive(sqlx::FromRow)]
struct Row {
    id: Uuid,
    kind: String,
    run_id: Uuid,
    status: String,
    attempt: i32,
    due_at: Option<i64>,
    error: Option<String>,
    created_at: i64,
    processed_at: Option<i64>,
}

impl TryFrom<Row> for OutboxMessage {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let status = row.status.parse();
        Ok(Self {
            id: OutboxId(row.id),
            kind: row.kind,
            run_id: RunId(row.run_id),
            status: status.map_err(|e| StoreError::unreadable("outbox", "status", e))?,
            attempt: row.attempt,
            due_at: row.due_at.map(Timestamp),
            error: row.error,
            created_at: Timestamp(row.created_at),
            processed_at: row.processed_at.map(Timestamp),
        })
    }
}

macro_rules! of_org {
    () => {
        "select id, kind, run_id, status, attempt, due_at, error, created_at, processed_at
         from outbox where org_id = "
    };
}

macro_rules! select {
    ($rest:literal) => {
        concat!(of_org!(), "$1 ", $rest)
    };
}

impl Store {
    /// An organization's messages, in one status or in any.
    ///
    /// # Errors
    /// If the database is unavailable.
    pub async fn list_messages(
        &self,
        org: &OrgId,
        status: Option<OutboxStatus>,
        page: PageRequest,
    ) -> Result<Page<OutboxMessage>, StoreError> {
        let rows: Vec<Row> = read!(self, pool => {
            let mut query = sqlx::QueryBuilder::new(of_org!());
            query.push_bind(org.as_str());
            if let Some(status) = status {
                query.push(" and status = ").push_bind(status.as_str());
            }
            query.push(" and id < ").push_bind(page.before());
            query.push(" order by id desc limit ").push_bind(page.fetch());
            query.build_query_as().fetch_all(pool).await?
        });
        let messages: Result<Vec<OutboxMessage>, _> =
            rows.into_iter().map(TryFrom::try_from).collect();
        Ok(page.page(messages?, |message| message.id.0))
    }

    /// Retries or discards a dead letter; `actor` stands in the history of its run, if
    /// that waits again.
    ///
    /// # Errors
    /// If nothing was written.
    pub async fn change_undelivered(
        &self,
        org: &OrgId,
        id: OutboxId,
        change: UndeliveredChange,
        actor: &str,
        now: Timestamp,
    ) -> Result<UndeliveredOutcome, StoreError> {
        write!(self, tx => {
            // The run before its message, as everywhere.
            let held = hold_run!(tx, self, org, Hold::Run(id.0));
            let found: Option<Row> = sqlx::query_as(select!("and id = $2"))
                .bind(org.as_str())
                .bind(id.0)
                .fetch_optional(&mut **tx)
                .await?;
            let Some(found) = found else {
                return Ok(UndeliveredOutcome::NotFound);
            };
            let found: OutboxMessage = found.try_into()?;
            if found.status != OutboxStatus::Failed || !found.status.may_become(change.target()) {
                return Ok(UndeliveredOutcome::Refused(found.status));
            }
            // A message whose run is gone can be given up all the same.
            if change == UndeliveredChange::Retry {
                let Some(held) = held else { return Ok(UndeliveredOutcome::NotFound) };
                match held.state.after(&RunAction::HandOver, now) {
                    Ok(change) => write_run!(tx, &held, change, actor, now),
                    Err(_) => return Ok(UndeliveredOutcome::RunOver(held.state.status)),
                }
            }
            // Once more with the status: whoever changes a message alone holds no run.
            let done = sqlx::query(change.sql())
                .bind(org.as_str())
                .bind(id.0)
                .bind(found.status.as_str())
                .bind(change.target().as_str())
                .bind(now.0)
                .execute(&mut **tx)
                .await?;
            if done.rows_affected() == 0 {
                return Ok(UndeliveredOutcome::Refused(change.target()));
            }
            let row: Row = sqlx::query_as(select!("and id = $2"))
                .bind(org.as_str())
                .bind(id.0)
                .fetch_one(&mut **tx)
                .await?;
            Ok::<_, StoreError>(UndeliveredOutcome::Done(Box::new(row.try_into()?)))
        })
    }

    /// Dead letters that `change` may be made to, oldest first.
    ///
    /// # Errors
    /// If the database is unavailable.
    pub async fn undelivered(
        &self,
        org: &OrgId,
        change: UndeliveredChange,
        filter: UndeliveredFilter,
        max: u32,
    ) -> Result<Vec<OutboxId>, StoreError> {
        let ids: Vec<Uuid> = read!(self, pool => {
            let mut query = sqlx::QueryBuilder::new("select o.id from outbox o where o.org_id = ");
            query.push_bind(org.as_str());
            query.push(" and o.status = ").push_bind(OutboxStatus::Failed.as_str());
            if let Some(since) = filter.since {
                query.push(" and o.created_at >= ").push_bind(since.0);
            }
            if let Some(until) = filter.until {
                query.push(" and o.created_at < ").push_bind(until.0);
            }
            if change == UndeliveredChange::Retry {
                query.push(" and exists (select 1 from runs r where r.id = o.id and (r.status in (");
                let mut statuses = query.separated(", ");
                for status in OPEN {
                    statuses.push_bind(status.as_str());
                }
                query.push(") or r.status_reason = ").push_bind(NOT_HANDED_OVER).push("))");
            }
            query.push(" order by o.id limit ").push_bind(i64::from(max));
            query.build_query_scalar().fetch_all(pool).await?
        });
        Ok(ids.into_iter().map(OutboxId).collect())
    }
}
