//! People retry and discard deliveries: dead letters, held ones, and those that started
//! nothing.

use super::partitions::first_id;
use super::workers::to_the_end;
use crate::domain::status::States;
use crate::domain::{DeliveryId, DeliveryStatus, IntegrationId, Lane, OrgId, Timestamp, TriggerId};
use crate::signals::Signal;
use crate::store::db::{Query, Tx, locked, optional};
use crate::store::{Store, StoreError};

/// A person's decision about a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeliveryChange {
    /// Process it again, as if it had just arrived.
    Retry,
    /// Give it up.
    Discard,
}

impl DeliveryChange {
    fn target(self) -> DeliveryStatus {
        match self {
            Self::Retry => DeliveryStatus::Pending,
            Self::Discard => DeliveryStatus::Discarded,
        }
    }
}

/// The deliveries that a bulk call changes.
#[derive(Clone, Debug)]
pub struct DeliveryFilter {
    /// Only those in this status: failed, held or completed.
    pub status: DeliveryStatus,
    /// Only this outcome.
    pub outcome: Option<String>,
    /// Only this provider's.
    pub provider: Option<String>,
    /// Only this integration's.
    pub integration: Option<IntegrationId>,
    /// Only this trigger's.
    pub trigger: Option<TriggerId>,
    /// Received at this time or later.
    pub since: Option<Timestamp>,
    /// Received before this time.
    pub until: Option<Timestamp>,
}

impl Default for DeliveryFilter {
    fn default() -> Self {
        Self {
            status: DeliveryStatus::Failed,
            outcome: None,
            provider: None,
            integration: None,
            trigger: None,
            since: None,
            until: None,
        }
    }
}

/// A delivery in the archive.
#[derive(sqlx_macros::FromRow)]
pub(super) struct Found {
    status: DeliveryStatus,
    started_runs: Option<bool>,
}

const FIND: crate::store::db::ByEngine = locked!(
    "select status, started_runs from inbox where id = $1 and org_id = $2",
    "for update"
);
const FIND_LIVE: crate::store::db::ByEngine =
    locked!("select status from inbox_queue where id = $1", "for update");
// The number of claims only rises: it is the fence against a worker that still holds one.
const REQUEUE: [&str; 2] = [
    "update inbox_queue set due_at = null, tries = 0, deaths = 0, suspect = false, begun = false,
        error = null, status = ",
    ", retry_since = ",
];
// New positions in the order of receipt, because workers read on from where they were.
const NEW_POSITION: [&str; 2] = [
    ", position = n.position from (
        select id, nextval('inbox_queue_position_seq') as position from (
            select id from inbox_queue where id",
    " order by id) as o) as n where inbox_queue.id = n.id",
];
const ENQUEUE: [&str; 4] = [
    "insert into inbox_queue (id, org_id, trigger_id, integration_id, received_at, bytes, lane,
        status, retry_since)
     select id, org_id, trigger_id, integration_id, received_at,
        coalesce(body_bytes, length(body)), ",
    ", ",
    ", ",
    " from inbox where id",
];
const REOPEN: &str = "update inbox set outcome = null, error = null, processed_at = null,
        attempt = 0, attempts_before = 0, status = ";

impl Store {
    /// Retries or discards a delivery. Returns the status in which it was found: the change
    /// was made if that status allows it and, for a completed one, if it started no run.
    pub async fn change_delivery(
        &self,
        org: &OrgId,
        id: DeliveryId,
        change: DeliveryChange,
        now: Timestamp,
    ) -> Result<Option<(DeliveryStatus, bool)>, StoreError> {
        self.write(async |tx| {
            let found = optional!(tx, Found, FIND, id, org)?;
            change_found(tx, id, Lane::of_org(org), found, change, now).await
        })
        .await
    }

    /// Changes up to `max` deliveries, oldest first; returns how many. It leaves out rows
    /// that another transaction changes right now.
    pub async fn change_deliveries(
        &self,
        org: &OrgId,
        filter: &DeliveryFilter,
        change: DeliveryChange,
        max: u32,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        self.write(async |tx| {
            let lock = match tx {
                Tx::Postgres(_) => " for update of q skip locked",
                Tx::Sqlite(_) => "",
            };
            let query = match filter.status {
                DeliveryStatus::Completed => Query::new(
                    "select q.id from inbox q where q.started_runs is not true and q.org_id = ",
                )
                .bind(org)
                .and("q.status =", Some(filter.status.as_str()))
                .and("q.outcome =", filter.outcome.as_ref())
                .and("q.provider =", filter.provider.as_ref())
                .and("q.id >=", filter.since.map(first_id))
                .and("q.id <", filter.until.map(first_id)),
                status => Query::new(
                    "select q.id from inbox_queue q join inbox i on i.id = q.id
                     where q.due_at is not null and q.org_id = ",
                )
                .bind(org)
                .and("q.status =", Some(status.as_str()))
                .and("i.outcome =", filter.outcome.as_ref())
                .and("i.provider =", filter.provider.as_ref())
                .and("q.received_at >=", filter.since)
                .and("q.received_at <", filter.until),
            };
            let query = query
                .and("q.integration_id =", filter.integration)
                .and("q.trigger_id =", filter.trigger)
                .push(" order by q.id limit ")
                .bind(i64::from(max))
                .push(lock);
            let found: Vec<(DeliveryId,)> = query.all(tx).await?;
            let ids: Vec<DeliveryId> = found.into_iter().map(|(id,)| id).collect();
            apply(tx, Lane::of_org(org), filter.status, change, &ids, now).await?;
            Ok(ids.len() as u64)
        })
        .await
    }
}

/// Changes deliveries that were all found in one status. `lane` is for those that left the
/// queue.
pub(super) async fn apply(
    tx: &mut Tx<'_>,
    lane: Lane,
    found: DeliveryStatus,
    change: DeliveryChange,
    ids: &[DeliveryId],
    now: Timestamp,
) -> Result<(), StoreError> {
    if ids.is_empty() {
        return Ok(());
    }
    let ids = || ids.iter().copied();
    let status = change.target().as_str();
    if change == DeliveryChange::Discard {
        let dequeue = Query::new("delete from inbox_queue where id").one_of(ids());
        dequeue.exec(tx).await?;
        let discard = Query::new("update inbox set due_at = null, status = ")
            .bind(status)
            .push(", processed_at = ")
            .bind(now)
            .push(" where id")
            .one_of(ids());
        discard.exec(tx).await?;
        return Ok(());
    }
    // Their lanes may be those of accounts.
    tx.concerns(Signal::Inbox(None));
    let enqueue = if found == DeliveryStatus::Completed {
        Query::new(ENQUEUE[0])
            .bind(lane.0)
            .push(ENQUEUE[1])
            .bind(status)
            .push(ENQUEUE[2])
            .bind(now)
            .push(ENQUEUE[3])
            .one_of(ids())
    } else {
        let requeue = Query::new(REQUEUE[0])
            .bind(status)
            .push(REQUEUE[1])
            .bind(now);
        match tx {
            Tx::Postgres(_) => requeue
                .push(NEW_POSITION[0])
                .one_of(ids())
                .push(NEW_POSITION[1]),
            Tx::Sqlite(_) => requeue.push(" where id").one_of(ids()),
        }
    };
    enqueue.exec(tx).await?;
    if let Tx::Sqlite(_) = tx {
        let mut in_order: Vec<DeliveryId> = ids().collect();
        in_order.sort_unstable();
        to_the_end(tx, &in_order).await?;
    }
    let reopen = Query::new(REOPEN)
        .bind(status)
        .push(" where id")
        .one_of(ids());
    reopen.exec(tx).await?;
    Ok(())
}

/// Changes one delivery that was found in the archive, if its status allows it.
pub(super) async fn change_found(
    tx: &mut Tx<'_>,
    id: DeliveryId,
    lane: Lane,
    found: Option<Found>,
    change: DeliveryChange,
    now: Timestamp,
) -> Result<Option<(DeliveryStatus, bool)>, StoreError> {
    let Some(found) = found else {
        return Ok(None);
    };
    let live = optional!(tx, scalar DeliveryStatus, FIND_LIVE, id)?;
    let status = live.unwrap_or(found.status);
    let is_allowed = status.may_become(change.target())
        && status != DeliveryStatus::Processing
        && !(status == DeliveryStatus::Completed && found.started_runs == Some(true));
    if is_allowed {
        apply(tx, lane, status, change, &[id], now).await?;
    }
    Ok(Some((status, is_allowed)))
}
