//! Takes in the live deliveries of the version before, which kept its queue in the archive
//! itself: at the upgrade, and as long as a replica of that version runs.

use super::PARKED;
use crate::domain::delivery::{Origin, Route};
use crate::domain::{DeliveryId, DeliveryStatus, IntegrationId, OrgId, Timestamp, TriggerId};
use crate::store::db::{ByEngine, Tx, all, exec};
use crate::store::{Store, StoreError};
use constcat::concat;

/// Deliveries of one transaction.
const ROWS_MAX: i64 = 500;

#[derive(sqlx_macros::FromRow)]
struct Row {
    id: DeliveryId,
    org_id: Option<OrgId>,
    provider: String,
    route: Route,
    trigger_id: Option<TriggerId>,
    integration_id: Option<IntegrationId>,
    status: DeliveryStatus,
    attempt: i32,
    tries: i32,
    bytes: i64,
    error: Option<String>,
    received_at: Timestamp,
}

// A body was not counted before it was compressed, and is at most as many times as large.
macro_rules! live {
    ($table:literal, $which:expr, $lock:literal) => {
        concat!(
            "select id, org_id, provider, route, trigger_id, integration_id, status, attempt,
                attempt - attempts_before as tries,
                coalesce(body_bytes, case body_codec when 0 then 1 else 255 end
                    * cast(length(body) as bigint)) as bytes,
                error, received_at
             from ",
            $table,
            " where ",
            $which,
            " limit $2 ",
            $lock
        )
    };
}

/// Due now: what a worker of the version before holds has the end of its lease here.
const DUE: ByEngine = ByEngine {
    postgres: live!(
        "inbox",
        "due_at <= $1 order by due_at",
        "for update skip locked"
    ),
    sqlite: live!("inbox", "due_at <= $1 order by due_at", ""),
};
macro_rules! dead {
    ($table:literal) => {
        concat!(
            "status = $1 and processed_at is not null and emptied_at is null
                and not exists (select 1 from inbox_queue q where q.id = ",
            $table,
            ".id) order by processed_at"
        )
    };
}
/// Dead letters; on Postgres only the partition that the version before writes has the
/// index for them.
const DEAD: ByEngine = ByEngine {
    postgres: live!("inbox_0", dead!("inbox_0"), "for update skip locked"),
    sqlite: live!("inbox", dead!("inbox"), ""),
};
/// `on conflict`: a replica of the version before has retried a dead letter.
const ENQUEUE: &str = "insert into inbox_queue (id, lane, org_id, trigger_id, integration_id,
        status, attempt, tries, bytes, due_at, error, retry_since, received_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
    on conflict (id) do update set status = excluded.status, due_at = excluded.due_at,
        tries = excluded.tries, attempt = excluded.attempt";

impl Store {
    /// Takes in deliveries that are due, up to a bounded number; returns how many.
    pub async fn adopt_deliveries(&self, now: Timestamp) -> Result<usize, StoreError> {
        self.write(async |tx| {
            let due = all!(tx, Row, DUE, now, ROWS_MAX)?;
            for row in &due {
                enqueue(tx, row, DeliveryStatus::Pending, None, now).await?;
                exec!(
                    tx,
                    "update inbox set due_at = null, status = $2 where id = $1",
                    row.id,
                    DeliveryStatus::Pending,
                )?;
            }
            Ok(due.len())
        })
        .await
    }

    /// Takes in dead letters, up to a bounded number; returns how many. It reads all dead
    /// letters there are: call it rarely, until it returns none.
    pub async fn adopt_dead_letters(&self, now: Timestamp) -> Result<usize, StoreError> {
        self.write(async |tx| {
            let dead = all!(tx, Row, DEAD, DeliveryStatus::Failed, ROWS_MAX)?;
            for row in &dead {
                enqueue(tx, row, row.status, Some(PARKED), now).await?;
            }
            Ok(dead.len())
        })
        .await
    }
}

async fn enqueue(
    tx: &mut Tx<'_>,
    row: &Row,
    status: DeliveryStatus,
    due_at: Option<Timestamp>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let origin = Origin {
        route: row.route,
        provider: row.provider.clone(),
        org: row.org_id.clone(),
        trigger: row.trigger_id,
        integration: row.integration_id,
    };
    exec!(
        tx,
        ENQUEUE,
        row.id,
        origin.lane(None),
        &row.org_id,
        row.trigger_id,
        row.integration_id,
        status,
        row.attempt,
        row.tries,
        row.bytes,
        due_at,
        row.error.as_deref(),
        now,
        row.received_at,
    )?;
    Ok(())
}
