//! Actions on a run, by its consumer and by people: one transaction each, which holds
//! the run while the domain decides.

use super::ONE;
use super::held::{self, Hold};
use crate::domain::run::{Run, RunAction, RunRefusal};
use crate::domain::{OrgId, RunId, Timestamp};
use crate::store::db::one;
use crate::store::{Store, StoreError};

/// The result of an action on a run.
#[derive(Clone, Debug)]
pub enum RunActionOutcome {
    /// It is done, or was done before; this is the run now.
    Done(Box<Run>),
    /// The organization has no such run.
    NotFound,
    /// The run does not allow it; nothing was written.
    Refused(RunRefusal),
}

impl Store {
    /// Applies an action to a run. Its event and its message follow in the same
    /// transaction, and the history names `actor`.
    pub async fn act_on_run(
        &self,
        org: &OrgId,
        id: RunId,
        action: &RunAction,
        actor: &str,
        now: Timestamp,
    ) -> Result<RunActionOutcome, StoreError> {
        self.write(async |tx| {
            let Some(held) = held::hold(tx, org, Hold::Run(id.0)).await? else {
                return Ok(RunActionOutcome::NotFound);
            };
            let change = match held.state.after(action, now) {
                Ok(change) => change,
                Err(refusal) => return Ok(RunActionOutcome::Refused(refusal)),
            };
            held::write(tx, &held, change, actor, now).await?;
            let run = one!(tx, Run, ONE, org, id)?;
            Ok(RunActionOutcome::Done(Box::new(run)))
        })
        .await
    }
}
