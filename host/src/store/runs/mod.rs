//! Runs: lists, and what is done about them.

mod change;
mod finalize;
pub(super) mod held;

pub use change::RunActionOutcome;
pub use finalize::{FinalizerPass, TimedOutRun};
pub(super) use held::{Hold, hold_run, write_run};

use super::pool::read;
use super::{Page, PageRequest, Store, StoreError};
use crate::domain::run::{HandOff, Run};
use crate::domain::{
    AutomationId, EventId, OrgId, OutboxId, RunId, RunStatus, Timestamp, TriggerId,
};
use uuid::Uuid;

/// Which runs a list shows.
#[derive(Clone, Copy, Debug, Default)]
pub struct RunFilter {
    /// Of this automation.
    pub automation: Option<AutomationId>,
    /// In this status.
    pub status: Option<RunStatus>,
}

#[derive(sqlx::FromRow)]
struct RunRow {
    id: Uuid,
    automation_id: Uuid,
    event_id: Uuid,
    trigger_id: Uuid,
    status: String,
    status_reason: Option<String>,
    attempt: i32,
    deadline_at: Option<i64>,
    heartbeat_due_at: Option<i64>,
    started_at: Option<i64>,
    completed_at: Option<i64>,
    result: Option<String>,
    error: Option<String>,
    created_at: i64,
}

impl TryFrom<RunRow> for Run {
    type Error = StoreError;

    fn try_from(row: RunRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: RunId(row.id),
            automation_id: AutomationId(row.automation_id),
            event_id: EventId(row.event_id),
            trigger_id: TriggerId(row.trigger_id),
            status: row
                .status
                .parse()
                .map_err(|e| StoreError::unreadable("runs", "status", e))?,
            status_reason: row.status_reason,
            attempt: row.attempt,
            deadline_at: row.deadline_at.map(Timestamp),
            heartbeat_due_at: row.heartbeat_due_at.map(Timestamp),
            started_at: row.started_at.map(Timestamp),
            completed_at: row.completed_at.map(Timestamp),
            result: row
                .result
                .map(|result| serde_json::from_str(&result))
                .transpose()
                .map_err(|error| StoreError::unreadable("runs", "result", error))?,
            error: row.error,
            created_at: Timestamp(row.created_at),
        })
    }
}

#[derive(sqlx::FromRow)]
struct HandOffRow {
    id: Uuid,
    status: String,
    attempt: i32,
    due_at: Option<i64>,
    error: Option<String>,
    processed_at: Option<i64>,
}

macro_rules! select {
    ($where:literal) => {
        concat!(
            "select id, automation_id, event_id, trigger_id, status, status_reason, attempt,
                deadline_at, heartbeat_due_at, started_at, completed_at, result, error, created_at
             from runs where org_id = ",
            $where
        )
    };
}

const SELECT: &str = select!("");
const ONE: &str = select!("$1 and id = $2");
const OF_EVENT: &str = select!("$1 and event_id = $2");

impl Store {
    /// An organization's runs.
    ///
    /// # Errors
    /// If the database is unavailable.
    pub async fn list_runs(
        &self,
        org: &OrgId,
        filter: RunFilter,
        page: PageRequest,
    ) -> Result<Page<Run>, StoreError> {
        let rows: Vec<RunRow> = read!(self, pool => {
            let mut query = sqlx::QueryBuilder::new(SELECT);
            query.push_bind(org.as_str());
            query.push(" and id < ").push_bind(page.before());
            if let Some(automation) = filter.automation {
                query.push(" and automation_id = ").push_bind(automation.0);
            }
            if let Some(status) = filter.status {
                query.push(" and status = ").push_bind(status.as_str());
            }
            query.push(" order by id desc limit ").push_bind(page.fetch());
            query.build_query_as().fetch_all(pool).await?
        });
        let items = rows
            .into_iter()
            .map(Run::try_from)
            .collect::<Result<_, _>>()?;
        Ok(page.page(items, |run: &Run| run.id.0))
    }

    /// One run.
    ///
    /// # Errors
    /// If the database is unavailable.
    pub async fn run(&self, org: &OrgId, id: RunId) -> Result<Option<Run>, StoreError> {
        self.one_run(ONE, org, id.0).await
    }

    /// The run that an event started.
    ///
    /// # Errors
    /// If the database is unavailable.
    pub async fn run_of_event(
        &self,
        org: &OrgId,
        event: EventId,
    ) -> Result<Option<Run>, StoreError> {
        self.one_run(OF_EVENT, org, event.0).await
    }

    async fn one_run(
        &self,
        sql: &'static str,
        org: &OrgId,
        id: Uuid,
    ) -> Result<Option<Run>, StoreError> {
        let row: Option<RunRow> = read!(self, pool => {
            sqlx::query_as(sql).bind(org.as_str()).bind(id).fetch_optional(pool).await?
        });
        row.map(Run::try_from).transpose()
    }

    /// What became of the message that hands a run over.
    ///
    /// # Errors
    /// If the database is unavailable.
    pub async fn hand_off(&self, org: &OrgId, id: RunId) -> Result<Option<HandOff>, StoreError> {
        let row: Option<HandOffRow> = read!(self, pool => {
            sqlx::query_as(
                "select id, status, attempt, due_at, error, processed_at from outbox
                 where org_id = $1 and id = $2",
            )
            .bind(org.as_str())
            .bind(id.0)
            .fetch_optional(pool)
            .await?
        });
        row.map(HandOff::try_from).transpose()
    }
}

impl TryFrom<HandOffRow> for HandOff {
    type Error = StoreError;

    fn try_from(row: HandOffRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: OutboxId(row.id),
            status: row
                .status
                .parse()
                .map_err(|e| StoreError::unreadable("outbox", "status", e))?,
            attempt: row.attempt,
            due_at: row.due_at.map(Timestamp),
            error: row.error,
            processed_at: row.processed_at.map(Timestamp),
        })
    }
}
