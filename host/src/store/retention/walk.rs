//! Walks over rows that may have to be kept although they are old: runs whose message is a
//! dead letter, and events whose run exists. A pass looks at a limited number of rows and
//! remembers its place, so the rows that are kept cost nothing until the next walk.

use super::horizon::Horizon;
use crate::domain::{OutboxStatus, Timestamp};
use crate::store::StoreError;
use crate::store::db::{Query, Tx, all};
use std::collections::HashMap;
use uuid::Uuid;

/// The last row that a walk has seen: when it ended, and its id.
type Place = (Timestamp, Uuid);

const BEGIN: Place = (Timestamp(i64::MIN), Uuid::nil());

/// The places of walks that are not over, by table and status. New ones begin with the
/// oldest row.
#[derive(Clone, Debug, Default)]
pub struct Places(HashMap<(Walk, &'static str), Place>);

/// A table that is walked over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Walk {
    Runs,
    Events,
}

/// The result of one step.
pub(super) struct Step {
    /// Rows that it looked at.
    pub(super) seen: u64,
    /// Rows that it deleted or emptied.
    pub(super) rows: u64,
}

impl Step {
    pub(super) fn add(&mut self, step: Self) {
        self.seen += step.seen;
        self.rows += step.rows;
    }
}

impl Walk {
    /// The rows that are old, in the order of the walk.
    fn seen(self) -> &'static str {
        match self {
            Self::Runs => {
                "select completed_at, id from runs
                 where status = $1 and completed_at < $2 and completed_at >= $3
                    and (completed_at > $3 or id > $4)
                 order by completed_at, id limit $5"
            }
            Self::Events => {
                "select processed_at, id from events
                 where status = $1 and processed_at < $2 and emptied_at is null
                    and processed_at >= $3 and (processed_at > $3 or id > $4)
                 order by processed_at, id limit $5"
            }
        }
    }

    /// Those of `ids` that need not be kept, locked.
    async fn free(self, tx: &mut Tx<'_>, ids: Vec<Uuid>) -> Result<Vec<Uuid>, StoreError> {
        let free = match self {
            Self::Runs => Query::new(
                "select id from runs where not exists (
                    select 1 from outbox where outbox.id = runs.id and outbox.status = ",
            )
            .bind(OutboxStatus::Failed.as_str())
            .push(")"),
            Self::Events => Query::new(
                "select id from events where emptied_at is null
                    and not exists (select 1 from runs where event_id = events.id)",
            ),
        };
        let free = free.push(" and id").one_of(ids);
        // What another transaction changes right now is left for the next walk.
        let rows: Vec<(Uuid,)> = free.lock("for update skip locked").all(tx).await?;
        Ok(rows.into_iter().map(|(id,)| id).collect())
    }

    async fn delete(
        self,
        tx: &mut Tx<'_>,
        ids: Vec<Uuid>,
        horizon: Horizon,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        if ids.is_empty() {
            return Ok(0);
        }
        match self {
            Self::Runs => {
                let delete = Query::new("delete from runs where id").one_of(ids);
                delete.exec(tx).await
            }
            Self::Events => {
                let empty = Query::new("update events set emptied_at = ")
                    .bind(now)
                    .push(
                        ", org_id = '', title = '', url = null, actor = null, occurred_at = null,
                            facts = '{}', facts_id = null, skip_detail = null, error = null
                         where holds_key and created_at >= ",
                    )
                    .bind(horizon.keys_since)
                    .push(" and id")
                    .one_of(ids.iter().copied());
                let delete =
                    Query::new("delete from events where emptied_at is null and id").one_of(ids);
                Ok(empty.exec(tx).await? + delete.exec(tx).await?)
            }
        }
    }

    /// Looks at up to `max` old rows in this status, and deletes or empties those that need
    /// not be kept. The next step goes on after them.
    pub(super) async fn step(
        self,
        tx: &mut Tx<'_>,
        status: &'static str,
        horizon: Horizon,
        max: i64,
        places: &mut Places,
        now: Timestamp,
    ) -> Result<Step, StoreError> {
        let place = places.0.get(&(self, status)).copied().unwrap_or(BEGIN);
        let (at, after) = place;
        let sql = self.seen();
        let seen = all!(tx, Place, sql, status, horizon.before, at, after, max)?;
        let Some(last) = seen.last() else {
            return Ok(Step { seen: 0, rows: 0 });
        };
        places.0.insert((self, status), *last);
        let ids: Vec<Uuid> = seen.iter().map(|(_, id)| *id).collect();
        let free = self.free(tx, ids).await?;
        Ok(Step {
            seen: u64::try_from(seen.len()).unwrap_or(u64::MAX),
            rows: self.delete(tx, free, horizon, now).await?,
        })
    }
}
