//! What waits, for whoever watches: bounded queries alone, whatever there is.

use super::pool::{Db, read};
use super::{Store, StoreError};
use crate::domain::integration::IntegrationStatus;
use crate::domain::{DeliveryStatus, OutboxStatus, Timestamp};

/// Rows that are counted at most.
const COUNT_MAX: i64 = 100_000;

/// How many wait in a queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Queue {
    /// Due or claimed; no more than 100,000 are counted.
    pub waiting: u64,
    /// Since when the oldest of those has been there; of messages, the oldest that nobody
    /// holds.
    pub oldest: Option<Timestamp>,
    /// Dead letters; no more than 100,000 are counted.
    pub dead: u64,
}

/// What waits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Backlog {
    /// Deliveries.
    pub inbox: Queue,
    /// Messages.
    pub outbox: Queue,
    /// When the first poll is or was due.
    pub poll_due: Option<Timestamp>,
    /// When the first tick is or was due.
    pub tick_due: Option<Timestamp>,
    /// Of each provider that polls: when the cursor that has stood longest was written.
    pub cursors: Vec<(String, Timestamp)>,
    /// Integrations that wait for a person to connect them anew; no more than 100,000
    /// are counted.
    pub needs_reauth: u64,
    /// Sinks that are switched on; no more than 100,000 are counted.
    pub sinks: u64,
    /// Of those, the ones whose circuit is open.
    pub sinks_open: u64,
}

/// How a pool of connections is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolUse {
    /// `all`, or on SQLite `read` and `write`.
    pub pool: &'static str,
    /// Connections that nobody uses.
    pub idle: usize,
    /// Connections that somebody uses.
    pub used: usize,
    /// How many there may be.
    pub max: usize,
}

const INBOX: &str = "select count(*), min(received_at) from (
    select received_at from inbox where due_at is not null order by due_at limit $1) as waiting";
// In the order of the index: without it, everything that was handed over would be read.
// What somebody holds is in good hands, however old it is.
const OUTBOX: &str = "select count(*),
        min(case when lease_token is null or due_at <= $2 then created_at end) from (
    select created_at, lease_token, due_at from outbox where due_at is not null
    order by org_id, due_at limit $1) as waiting";
const INBOX_DEAD: &str = "select count(*) from (
    select 1 from inbox where status = $2 and processed_at is not null and emptied_at is null
    order by processed_at limit $1) as dead";
const OUTBOX_DEAD: &str = "select count(*) from (
    select 1 from outbox where status = $2 and processed_at is not null
    order by processed_at limit $1) as dead";
const NEEDS_REAUTH: &str = "select count(*) from (
    select 1 from integrations where status = $2 and deleted_at is null limit $1) as ended";
// A circuit whose time is over is open as long as something waits that could try it.
const SINKS: &str = "select count(*), count(case when open_until > $2 or open_until is not null
        and exists (select 1 from outbox
            where outbox.org_id = switched_on.org_id and outbox.due_at <= $2) then 1 end)
    from (select org_id, open_until from sinks where enabled limit $1) as switched_on";

impl Store {
    /// What waits.
    ///
    /// # Errors
    /// If the database is unavailable.
    pub async fn backlog(&self, now: Timestamp) -> Result<Backlog, StoreError> {
        let inbox: Waiting = read!(self, pool => {
            sqlx::query_as(INBOX).bind(COUNT_MAX).fetch_one(pool).await?
        });
        let outbox: Waiting = read!(self, pool => {
            sqlx::query_as(OUTBOX).bind(COUNT_MAX).bind(now.0).fetch_one(pool).await?
        });
        let inbox_dead = self.dead(INBOX_DEAD, DeliveryStatus::Failed.as_str());
        let inbox = queue(inbox, inbox_dead.await?);
        let outbox_dead = self.dead(OUTBOX_DEAD, OutboxStatus::Failed.as_str());
        let outbox = queue(outbox, outbox_dead.await?);
        let cursors: Vec<(String, i64)> = read!(self, pool => {
            sqlx::query_as(
                "select provider, min(coalesce(cursor_at, created_at)) from poll_groups
                 where due_at is not null group by provider order by provider",
            )
            .fetch_all(pool)
            .await?
        });
        let needs_reauth: i64 = read!(self, pool => {
            let count = sqlx::query_scalar(NEEDS_REAUTH).bind(COUNT_MAX);
            count.bind(IntegrationStatus::NeedsReauth.as_str()).fetch_one(pool).await?
        });
        let (sinks, sinks_open): (i64, i64) = read!(self, pool => {
            sqlx::query_as(SINKS).bind(COUNT_MAX).bind(now.0).fetch_one(pool).await?
        });
        Ok(Backlog {
            inbox,
            outbox,
            poll_due: self.next_poll_due().await?,
            tick_due: self.next_tick().await?,
            cursors: cursors
                .into_iter()
                .map(|(provider, at)| (provider, Timestamp(at)))
                .collect(),
            needs_reauth: u64::try_from(needs_reauth).unwrap_or(0),
            sinks: u64::try_from(sinks).unwrap_or(0),
            sinks_open: u64::try_from(sinks_open).unwrap_or(0),
        })
    }

    async fn dead(&self, sql: &'static str, status: &'static str) -> Result<i64, StoreError> {
        Ok(read!(self, pool => {
            sqlx::query_scalar(sql).bind(COUNT_MAX).bind(status).fetch_one(pool).await?
        }))
    }

    /// How connections are used.
    pub fn pool_use(&self) -> Vec<PoolUse> {
        match &self.db {
            Db::Postgres(postgres) => vec![pool_use("all", &postgres.pool)],
            Db::Sqlite(sqlite) => {
                vec![
                    pool_use("read", &sqlite.read),
                    pool_use("write", &sqlite.write),
                ]
            }
        }
    }
}

/// How many, and since when the oldest.
type Waiting = (i64, Option<i64>);

fn queue((waiting, oldest): Waiting, dead: i64) -> Queue {
    Queue {
        waiting: u64::try_from(waiting).unwrap_or(0),
        oldest: oldest.map(Timestamp),
        dead: u64::try_from(dead).unwrap_or(0),
    }
}

fn pool_use<D: sqlx::Database>(name: &'static str, pool: &sqlx::Pool<D>) -> PoolUse {
    let (size, idle) = (pool.size() as usize, pool.num_idle());
    PoolUse {
        pool: name,
        idle,
        used: size.saturating_sub(idle),
        max: pool.options().get_max_connections() as usize,
    }
}
