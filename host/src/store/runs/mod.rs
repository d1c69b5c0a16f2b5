//! Runs: lists, and the actions on them.

mod change;
mod finalize;
pub(super) mod held;

pub use change::RunActionOutcome;
pub use finalize::{FinalizerPass, TimedOutRun};

use super::db::{Query, optional, row};
use super::outbox::SHOWN_DUE_AT;
use super::{Page, PageRequest, Store, StoreError};
use crate::domain::run::{HandOff, Run};
use crate::domain::{AutomationId, EventId, OrgId, RunId, RunStatus};
use constcat::concat;

/// The runs that a list shows.
#[derive(Clone, Copy, Debug, Default)]
pub struct RunFilter {
    /// Only this automation's.
    pub automation: Option<AutomationId>,
    /// Only those in this status.
    pub status: Option<RunStatus>,
}

row!(Run {
    id, automation_id, event_id, trigger_id, status, status_reason, attempt, deadline_at,
    heartbeat_due_at, started_at, completed_at, result opt Json, error, created_at,
});
row!(HandOff {
    id,
    status,
    attempt,
    due_at,
    error,
    processed_at
});

const OF_ORG: &str = concat!("select ", Run::COLUMNS, " from runs where org_id = ");
const ONE: &str = concat!(OF_ORG, "$1 and id = $2");
const OF_EVENT: &str = concat!(OF_ORG, "$1 and event_id = $2");
const HAND_OFF: &str = concat!(
    "select id, status, attempt, ",
    SHOWN_DUE_AT,
    ", error, processed_at from outbox where org_id = $1 and id = $2"
);

impl Store {
    /// An organization's runs.
    pub async fn list_runs(
        &self,
        org: &OrgId,
        filter: RunFilter,
        page: PageRequest,
    ) -> Result<Page<Run>, StoreError> {
        let query = Query::new(OF_ORG)
            .bind(org)
            .and("automation_id =", filter.automation)
            .and("status =", filter.status.map(RunStatus::as_str));
        let runs = self.read(async |tx| query.page(page).all(tx).await).await?;
        Ok(page.page(runs, |run: &Run| run.id.0))
    }

    /// One run.
    pub async fn run(&self, org: &OrgId, id: RunId) -> Result<Option<Run>, StoreError> {
        self.read(async |tx| optional!(tx, Run, ONE, org, id)).await
    }

    /// The run that an event started.
    pub async fn run_of_event(
        &self,
        org: &OrgId,
        event: EventId,
    ) -> Result<Option<Run>, StoreError> {
        self.read(async |tx| optional!(tx, Run, OF_EVENT, org, event))
            .await
    }

    /// The message that hands a run over.
    pub async fn hand_off(&self, org: &OrgId, id: RunId) -> Result<Option<HandOff>, StoreError> {
        self.read(async |tx| optional!(tx, HandOff, HAND_OFF, org, id))
            .await
    }
}
