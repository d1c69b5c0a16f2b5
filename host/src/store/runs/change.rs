//! What is done about a run, by its consumer and by people: one transaction each,
//! which holds the run while the domain decides.

use super::RunRow;
use super::held::{Hold, hold_run, write_run};
use crate::domain::run::{Run, RunAction, RunRefusal};
use crate::domain::{OrgId, RunId, Timestamp};
use crate::store::pool::write;
use crate::store::{Store, StoreError};

/// What came of doing something about a run.
#[derive(Clone, Debug)]
pub enum RunActionOutcome {
    /// It is done, or was done before; this is the run now.
    Done(Box<Run>),
    /// No such run in this organization.
    NotFound,
    /// The run does not allow it; nothing was written.
    Refused(RunRefusal),
}

impl Store {
    /// Does something about a run; its event and its message follow in the same
    /// transaction, and `actor` stands in the history.
    ///
    /// # Errors
    /// If the database is unavailable.
    pub async fn act_on_run(
        &self,
        org: &OrgId,
        id: RunId,
        action: &RunAction,
        actor: &str,
        now: Timestamp,
    ) -> Result<RunActionOutcome, StoreError> {
        write!(self, tx => {
            let Some(held) = hold_run!(tx, self, org, Hold::Run(id.0)) else {
                return Ok(RunActionOutcome::NotFound);
            };
            let change = match held.state.after(action, now) {
                Ok(change) => change,
                Err(refusal) => return Ok(RunActionOutcome::Refused(refusal)),
            };
            write_run!(tx, &held, change, actor, now);
            let row: RunRow = sqlx::query_as(super::ONE)
                .bind(org.as_str())
                .bind(id.0)
                .fetch_one(&mut **tx)
                .await?;
            Ok::<_, StoreError>(RunActionOutcome::Done(Box::new(row.try_into()?)))
        })
    }
}
