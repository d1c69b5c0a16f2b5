//! Runs whose time is up.

use super::held::{HeldRow, HeldRun, held_sql, write_run};
use crate::domain::run::{Change, RunAction};
use crate::domain::sink::SinkKind;
use crate::domain::{RunId, Timestamp};
use crate::store::pool::write;
use crate::store::{Store, StoreError};
use std::collections::BTreeMap;
use uuid::Uuid;

/// A run that was ended because its time was up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimedOutRun {
    /// Which.
    pub id: RunId,
    /// Why.
    pub reason: Option<String>,
    /// The attempt that was silent or late.
    pub attempt: i32,
}

/// What one pass over runs whose time is up has done.
#[derive(Clone, Debug, Default)]
pub struct FinalizerPass {
    /// Runs that were ended.
    pub ended: Vec<TimedOutRun>,
    /// Whether it looked at as many as it may, so that there may be more.
    pub is_full: bool,
}

#[derive(sqlx::FromRow)]
struct DueRow {
    #[sqlx(flatten)]
    held: HeldRow,
    waits: bool,
}

// A silent run whose message is still to be delivered is left to whoever claims it
// next, who may take the run over; so is one whose message is in a Redis stream, which
// delivers it again to whoever claims it there. Its deadline ends it all the same.
macro_rules! due_sql {
    ($lock:literal) => {
        held_sql!(
            ", (exists (select 1 from outbox
                    where outbox.id = runs.id and outbox.due_at is not null)
                or exists (select 1 from sinks
                    where sinks.org_id = runs.org_id and sinks.enabled and sinks.kind = $3)) as waits",
            "due_at <= $1 order by due_at, id limit $2",
            $lock
        )
    };
}

impl Store {
    /// Looks at up to `max` runs whose time is up, and ends those that are past their
    /// deadline, silent for too long, or acknowledged and never started; `actor` stands
    /// in the history. The others, which wait for a consumer, are looked at later again,
    /// so that many of them cost the next passes nothing.
    ///
    /// # Errors
    /// If nothing was written.
    pub async fn time_out_runs(
        &self,
        now: Timestamp,
        max: u32,
        actor: &str,
    ) -> Result<FinalizerPass, StoreError> {
        let sql = if self.is_embedded() {
            due_sql!("")
        } else {
            // Another replica, or the run's consumer, has the others in hand.
            due_sql!(" for update of runs skip locked")
        };
        write!(self, tx => {
            let rows: Vec<DueRow> = sqlx::query_as(sql)
                .bind(now.0)
                .bind(i64::from(max))
                .bind(SinkKind::Redis.as_str())
                .fetch_all(&mut **tx)
                .await?;
            let mut pass = FinalizerPass {
                is_full: rows.len() == max as usize,
                ended: Vec::with_capacity(rows.len()),
            };
            let mut again: BTreeMap<Option<Timestamp>, Vec<Uuid>> = BTreeMap::new();
            for DueRow { held, waits } in rows {
                let id = held.id;
                // One row that makes no sense holds up no other.
                let held = match HeldRun::try_from(held) {
                    Ok(held) => held,
                    Err(error) => {
                        tracing::error!(run.id = %RunId(id), %error, "a run that is due cannot be read; it is left alone");
                        again.entry(None).or_default().push(id);
                        continue;
                    }
                };
                if waits && !held.state.is_past_deadline(now) {
                    let at = held.state.look_again_at(now);
                    again.entry(Some(at)).or_default().push(id);
                    continue;
                }
                let change = held.state.after(&RunAction::TimeOut, now);
                let Ok(Change::Moved(state, note)) = change else {
                    let at = held.state.look_again_at(now);
                    again.entry(Some(at)).or_default().push(id);
                    continue;
                };
                pass.ended.push(TimedOutRun {
                    id: held.id,
                    reason: state.status_reason.clone(),
                    attempt: state.attempt,
                });
                write_run!(tx, &held, Change::Moved(state, note), actor, now);
            }
            // One statement for all that are looked at again at the same time: most are.
            for (at, ids) in again {
                let mut update = sqlx::QueryBuilder::new("update runs set due_at = ");
                update.push_bind(at.map(|at| at.0)).push(" where id in (");
                let mut list = update.separated(", ");
                for id in ids {
                    list.push_bind(id);
                }
                update.push(")").build().execute(&mut **tx).await?;
            }
            Ok::<_, StoreError>(pass)
        })
    }
}
