//! The processes that hold deliveries, each by one lease for all of them; and what becomes
//! of the deliveries of a process that died.

use crate::domain::{DeliveryId, DeliveryStatus, Lane, Timestamp, WorkerId};
use crate::signals::Signal;
use crate::store::db::{ByEngine, Query, Tx, all, exec, locked, one, optional};
use crate::store::{Store, StoreError};
use std::collections::HashSet;
use std::time::Duration;

/// A delivery that was put back into its lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx_macros::FromRow)]
pub struct Returned {
    /// The lane.
    pub lane: Lane,
    /// Its position in the lane.
    pub position: i64,
}

/// The lanes have work.
pub(super) fn concern(tx: &mut Tx<'_>, returned: &[Returned]) {
    for returned in returned {
        tx.concerns(Signal::Inbox(Some(returned.lane.0)));
    }
}

/// Rows of one transaction that returns deliveries.
const RETURN_ROWS_MAX: i64 = 1_000;

/// A dead worker is remembered for this long: a claim of its may be committed late.
const REMEMBERED: Duration = Duration::from_secs(3_600);

const IS_LAPSED: ByEngine = locked!(
    "select lease_until from inbox_workers where id = $1 and lease_until <= $2",
    "for update skip locked"
);
// The work of a suspect is written down when it begins, so only what ran when its worker
// died counts as an attempt.
const TAKE_OVER: &str = "update inbox_queue set status = $2, worker = null, suspect = true,
        begun = false, deaths = deaths + case when begun then 1 else 0 end
    where id in (select id from inbox_queue where worker = $1 order by id limit $3)
    returning lane, position";
// A retry goes to the end of its lane: workers read on from where they were.
const DUE: &str = "update inbox_queue set due_at = null, position = n.position from (
        select id, nextval('inbox_queue_position_seq') as position from (
            select id from inbox_queue where due_at <= $1 order by due_at, id limit $2
            for update skip locked) as o) as n
    where inbox_queue.id = n.id returning lane, inbox_queue.position";
const SQLITE_DUE: &str =
    "select id from inbox_queue where due_at <= $1 order by due_at, id limit $2";
const SQLITE_RETURN: &str = "update inbox_queue set due_at = null where id = $1";
const SQLITE_PLACE: &str = "select lane, position from inbox_queue where id = $1";

/// Moves deliveries to the end of their lanes, on SQLite one by one.
pub(super) async fn to_the_end(tx: &mut Tx<'_>, ids: &[DeliveryId]) -> Result<(), StoreError> {
    const LAST: &str = "update inbox_queue
        set position = (select max(position) from inbox_queue) + 1 where id = $1";
    for id in ids {
        exec!(tx, LAST, id)?;
    }
    Ok(())
}

impl Store {
    /// Starts or renews the lease under which a worker holds deliveries.
    pub async fn renew_worker(&self, worker: WorkerId, until: Timestamp) -> Result<(), StoreError> {
        self.write_once(async |tx| {
            exec!(
                tx,
                "insert into inbox_workers (id, lease_until) values ($1, $2)
                 on conflict (id) do update set lease_until = excluded.lease_until",
                worker,
                until,
            )
        })
        .await?;
        Ok(())
    }

    /// Ends the lease of a worker that holds nothing any more.
    pub async fn retire_worker(&self, worker: WorkerId) -> Result<(), StoreError> {
        self.write_once(async |tx| exec!(tx, "delete from inbox_workers where id = $1", worker))
            .await?;
        Ok(())
    }

    /// The workers whose lease has lapsed.
    pub async fn lapsed_workers(&self, now: Timestamp) -> Result<Vec<WorkerId>, StoreError> {
        const SQL: &str =
            "select id from inbox_workers where lease_until <= $1 order by id limit 100";
        self.read(async |tx| all!(tx, scalar WorkerId, SQL, now))
            .await
    }

    /// The workers that hold deliveries and have no lease at all: a claim of theirs was
    /// committed after everybody had forgotten them.
    pub async fn forgotten_workers(&self) -> Result<Vec<WorkerId>, StoreError> {
        const SQL: &str = "select distinct q.worker from inbox_queue q where q.worker is not null
            and not exists (select 1 from inbox_workers w where w.id = q.worker)";
        self.read(async |tx| all!(tx, scalar WorkerId, SQL)).await
    }

    /// Returns deliveries of a worker whose lease has lapsed to their lanes, up to a bounded
    /// number. Call it until it returns none.
    pub async fn take_over(
        &self,
        dead: WorkerId,
        now: Timestamp,
    ) -> Result<Vec<Returned>, StoreError> {
        self.write(async |tx| {
            let Some(until) = optional!(tx, scalar Timestamp, IS_LAPSED, dead, now)? else {
                return Ok(Vec::new());
            };
            let pending = DeliveryStatus::Pending;
            let returned = all!(tx, Returned, TAKE_OVER, dead, pending, RETURN_ROWS_MAX)?;
            concern(tx, &returned);
            if returned.is_empty() && until + REMEMBERED <= now {
                exec!(tx, "delete from inbox_workers where id = $1", dead)?;
            }
            Ok(returned)
        })
        .await
    }

    /// Returns to their lanes what a worker holds and does not know of: a claim whose answer
    /// was lost, or a delivery that it could not settle. Call it while no claim is under way.
    pub async fn release_unknown(
        &self,
        worker: WorkerId,
        known: &[DeliveryId],
    ) -> Result<Vec<Returned>, StoreError> {
        const HELD: &str = "select id from inbox_queue where worker = $1 order by id";
        let known: HashSet<DeliveryId> = known.iter().copied().collect();
        let held = self
            .read(async |tx| all!(tx, scalar DeliveryId, HELD, worker))
            .await?;
        let unknown = held.into_iter().filter(|id| !known.contains(id));
        let unknown: Vec<DeliveryId> = unknown.collect();
        if unknown.is_empty() {
            return Ok(Vec::new());
        }
        let release = Query::new("update inbox_queue set worker = null, begun = false, status = ")
            .bind(DeliveryStatus::Pending.as_str())
            .push(" where worker = ")
            .bind(worker.0)
            .push(" and id")
            .one_of(unknown)
            .push(" returning lane, position");
        self.write_once(async |tx| release.all(tx).await).await
    }

    /// Returns deliveries whose retry is due to their lanes, up to a bounded number.
    pub async fn return_due(&self, now: Timestamp) -> Result<Vec<Returned>, StoreError> {
        self.write_once(async |tx| {
            if let Tx::Postgres(_) = tx {
                let returned = all!(tx, Returned, DUE, now, RETURN_ROWS_MAX)?;
                concern(tx, &returned);
                return Ok(returned);
            }
            let due = all!(tx, scalar DeliveryId, SQLITE_DUE, now, RETURN_ROWS_MAX)?;
            to_the_end(tx, &due).await?;
            let mut returned = Vec::with_capacity(due.len());
            for id in due {
                exec!(tx, SQLITE_RETURN, id)?;
                returned.push(one!(tx, Returned, SQLITE_PLACE, id)?);
            }
            concern(tx, &returned);
            Ok(returned)
        })
        .await
    }

    /// The time of the next retry, if any delivery waits for one.
    pub async fn next_delivery_due(&self) -> Result<Option<Timestamp>, StoreError> {
        const SQL: &str = "select due_at from inbox_queue where due_at is not null
            order by due_at, id limit 1";
        let due = self
            .read(async |tx| optional!(tx, scalar Timestamp, SQL))
            .await?;
        Ok(due.filter(|due| *due < super::PARKED))
    }

    /// True if a delivery is due, claimed or waits for a retry.
    pub async fn has_work(&self) -> Result<bool, StoreError> {
        const SQL: &str = "select exists (
                select 1 from inbox_queue where due_at is null and worker is null)
            or exists (select 1 from inbox_queue where worker is not null)
            or exists (select 1 from inbox_queue where due_at < $1)";
        self.read(async |tx| one!(tx, scalar bool, SQL, super::PARKED))
            .await
    }

    /// The lanes that have work for any worker.
    pub async fn ready_lanes(&self) -> Result<Vec<Lane>, StoreError> {
        // One step of the index for each lane, however long the lanes are.
        const SQL: &str = "with recursive lanes (lane) as (
                select (select lane from inbox_queue where due_at is null and worker is null
                        order by lane, position limit 1)
                union all
                select (select lane from inbox_queue
                        where due_at is null and worker is null and lane > lanes.lane
                        order by lane, position limit 1)
                from lanes where lane is not null)
            select lane from lanes where lane is not null";
        self.read(async |tx| all!(tx, scalar Lane, SQL)).await
    }

    /// Writes down that the work on a suspect begins; false if the claim is lost.
    pub async fn begin_suspect(&self, id: DeliveryId, attempt: i32) -> Result<bool, StoreError> {
        let processing = DeliveryStatus::Processing;
        let begun = self
            .write_once(async |tx| {
                exec!(
                    tx,
                    "update inbox_queue set begun = true
                     where id = $1 and attempt = $2 and status = $3",
                    id,
                    attempt,
                    processing,
                )
            })
            .await?;
        Ok(begun > 0)
    }
}
