//! Ends runs whose time is up.

use super::held::{self, HeldRun, SELECT_HELD};
use crate::domain::run::{Change, RunAction};
use crate::domain::sink::SinkKind;
use crate::domain::{RunId, Timestamp};
use crate::store::db::{ByEngine, Query, Tried, all, locked};
use crate::store::{Store, StoreError};
use constcat::concat;
use std::collections::BTreeMap;

/// A run that was ended because its time was up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimedOutRun {
    /// The run.
    pub id: RunId,
    /// The reason.
    pub reason: Option<String>,
    /// The attempt that was silent or late.
    pub attempt: i32,
}

/// The result of one pass over runs whose time is up.
#[derive(Clone, Debug, Default)]
pub struct FinalizerPass {
    /// Runs that were ended.
    pub ended: Vec<TimedOutRun>,
    /// The pass looked at as many runs as it may, so more may be due.
    pub is_full: bool,
}

#[derive(sqlx_macros::FromRow)]
struct DueRow {
    #[sqlx(flatten)]
    held: HeldRun,
    has_message: bool,
    sink: Option<SinkKind>,
}

impl DueRow {
    /// True if a next consumer will get the run's message, and may take over a silent run.
    fn waits(&self) -> bool {
        self.has_message || self.sink.is_some_and(SinkKind::redelivers)
    }
}

// Postgres skips rows that another replica or the run's consumer has locked.
const DUE: ByEngine = locked!(
    concat!(
        SELECT_HELD,
        ", exists (select 1 from outbox
                where outbox.id = runs.id and outbox.due_at is not null) as has_message,
            (select kind from sinks
                where sinks.org_id = runs.org_id and sinks.enabled) as sink
         from runs where due_at <= $1 order by due_at, id limit $2"
    ),
    "for update of runs skip locked"
);

impl Store {
    /// Looks at up to `max` runs whose time is up. Ends those that are past their
    /// deadline, silent for too long, or acknowledged and never started; the history
    /// names `actor`. The others wait for a consumer and are looked at again later, so
    /// that many of them make no later pass slower.
    pub async fn time_out_runs(
        &self,
        now: Timestamp,
        max: u32,
        actor: &str,
    ) -> Result<FinalizerPass, StoreError> {
        self.write(async |tx| {
            let rows = all!(tx, Tried<DueRow>, DUE, now, i64::from(max))?;
            let mut pass = FinalizerPass {
                is_full: rows.len() == max as usize,
                ended: Vec::with_capacity(rows.len()),
            };
            let mut again: BTreeMap<Option<Timestamp>, Vec<RunId>> = BTreeMap::new();
            for Tried { id, row } in rows {
                let id = RunId(id);
                // An unreadable row holds up no other.
                let due = match row {
                    Ok(row) => row,
                    Err(error) => {
                        tracing::error!(run.id = %id, %error, "a run that is due cannot be read; it is left alone");
                        again.entry(None).or_default().push(id);
                        continue;
                    }
                };
                // The deadline ends a run that waits, too.
                let waits = due.waits() && !due.held.state.is_past_deadline(now);
                let held = due.held;
                let change = held.state.after(&RunAction::TimeOut, now);
                let (false, Ok(Change::Moved(state, note))) = (waits, change) else {
                    let at = held.state.look_again_at(now);
                    again.entry(Some(at)).or_default().push(id);
                    continue;
                };
                pass.ended.push(TimedOutRun {
                    id,
                    reason: state.status_reason.clone(),
                    attempt: state.attempt,
                });
                held::write(tx, &held, Change::Moved(state, note), actor, now).await?;
            }
            // Most runs are looked at again at the same time: one statement for all of them.
            for (at, ids) in again {
                let update = match at {
                    Some(at) => Query::new("update runs set due_at = ").bind(at),
                    None => Query::new("update runs set due_at = null"),
                };
                update.push(" where id").one_of(ids).exec(tx).await?;
            }
            Ok(pass)
        })
        .await
    }
}
