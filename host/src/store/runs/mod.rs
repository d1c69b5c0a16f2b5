//! Runs and their history.

use super::pool::read;
use super::{Page, PageRequest, Store, StoreError};
use crate::domain::run::{Run, Transition};
use crate::domain::{AutomationId, EventId, OrgId, RunId, RunStatus, Timestamp, TriggerId};
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
struct TransitionRow {
    from_status: String,
    to_status: String,
    actor: String,
    reason: Option<String>,
    at: i64,
}

const SELECT: &str = "select id, automation_id, event_id, trigger_id, status, status_reason,
    attempt, deadline_at, started_at, completed_at, result, error, created_at
    from runs where org_id = ";

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
        let row: Option<RunRow> = read!(self, pool => {
            let mut query = sqlx::QueryBuilder::new(SELECT);
            query.push_bind(org.as_str()).push(" and id = ").push_bind(id.0);
            query.build_query_as().fetch_optional(pool).await?
        });
        row.map(Run::try_from).transpose()
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
        let row: Option<RunRow> = read!(self, pool => {
            let mut query = sqlx::QueryBuilder::new(SELECT);
            query.push_bind(org.as_str()).push(" and event_id = ").push_bind(event.0);
            query.build_query_as().fetch_optional(pool).await?
        });
        row.map(Run::try_from).transpose()
    }

    /// Every change of status of an event or a run after its first, oldest first.
    ///
    /// # Errors
    /// If the database is unavailable.
    pub async fn history(&self, org: &OrgId, subject: Uuid) -> Result<Vec<Transition>, StoreError> {
        let rows: Vec<TransitionRow> = read!(self, pool => {
            sqlx::query_as(
                "select from_status, to_status, actor, reason, at from transitions
                 where org_id = $1 and subject = $2 order by id",
            )
            .bind(org.as_str())
            .bind(subject)
            .fetch_all(pool)
            .await?
        });
        Ok(rows
            .into_iter()
            .map(|row| Transition {
                from: row.from_status,
                to: row.to_status,
                actor: row.actor,
                reason: row.reason,
                at: Timestamp(row.at),
            })
            .collect())
    }
}
