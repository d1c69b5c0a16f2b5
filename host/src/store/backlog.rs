//! The backlog, for metrics. Every query is bounded, however long the queues are.

use super::db::{Db, all, one};
use super::inbox::PARKED;
use super::{Store, StoreError};
use crate::domain::integration::IntegrationStatus;
use crate::domain::{DeliveryStatus, OutboxStatus, Timestamp};

/// Rows that are counted at most.
const COUNT_MAX: i64 = 100_000;

/// The length of a queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Queue {
    /// Due or claimed; no more than 100,000 are counted.
    pub waiting: u64,
    /// The time of the oldest of those; of messages, of the oldest that no consumer holds.
    pub oldest: Option<Timestamp>,
    /// Dead letters; no more than 100,000 are counted.
    pub dead: u64,
}

/// Work that waits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Backlog {
    /// Deliveries.
    pub inbox: Queue,
    /// Deliveries that are held for a person; no more than 100,000 are counted.
    pub held: u64,
    /// Messages.
    pub outbox: Queue,
    /// The due time of the first poll.
    pub poll_due: Option<Timestamp>,
    /// The due time of the first tick.
    pub tick_due: Option<Timestamp>,
    /// For each provider that polls, the time of its oldest cursor.
    pub cursors: Vec<(String, Timestamp)>,
    /// Integrations that wait for a person to reconnect them; no more than 100,000 are
    /// counted.
    pub needs_reauth: u64,
    /// Sinks that are switched on; no more than 100,000 are counted.
    pub sinks: u64,
    /// The sinks among those whose circuit is open.
    pub sinks_open: u64,
}

/// The use of a pool of connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolUse {
    /// The share of the process that uses it, or on SQLite `read` and `write`.
    pub pool: &'static str,
    /// Idle connections.
    pub idle: usize,
    /// Connections in use.
    pub used: usize,
    /// The limit of the pool.
    pub max: usize,
}

// Each part in the order of its index.
const INBOX: &str = "select count(*), min(received_at) from (
        select received_at from (
            select received_at from inbox_queue where due_at is null and worker is null
            order by lane, position limit $1) as ready
        union all select received_at from inbox_queue where worker is not null
        union all select received_at from (
            select received_at from inbox_queue where due_at < $2
            order by due_at, id limit $1) as retried) as waiting";
// In the order of the index: without it, everything that was handed over would be read.
// A message that a consumer holds is in progress, however old it is.
const OUTBOX: &str = "select count(*),
        min(case when lease_token is null or due_at <= $2 then created_at end) from (
    select created_at, lease_token, due_at from outbox where due_at is not null
    order by org_id, due_at limit $1) as waiting";
const INBOX_PARKED: &str = "select count(*) from (
    select 1 from inbox_queue where due_at = $3 and status = $2 order by id limit $1) as parked";
const OUTBOX_DEAD: &str = "select count(*) from (
    select 1 from outbox where status = $2 and processed_at is not null
    order by processed_at limit $1) as dead";
const NEEDS_REAUTH: &str = "select count(*) from (
    select 1 from integrations where status = $2 and deleted_at is null limit $1) as ended";
// A circuit whose pause is over is open as long as a message waits that could probe it.
const SINKS: &str = "select count(*), count(case when open_until > $2 or open_until is not null
        and exists (select 1 from outbox
            where outbox.org_id = switched_on.org_id and outbox.due_at <= $2) then 1 end)
    from (select org_id, open_until from sinks where enabled limit $1) as switched_on";

impl Store {
    /// The backlog as it is now.
    pub async fn backlog(&self, now: Timestamp) -> Result<Backlog, StoreError> {
        const CURSORS: &str = "select provider, min(coalesce(cursor_at, created_at))
             from poll_groups where due_at is not null group by provider order by provider";
        let max = COUNT_MAX;
        let (poll_due, tick_due) = (self.next_poll_due().await?, self.next_tick().await?);
        self.read(async |tx| {
            let inbox = one!(tx, Waiting, INBOX, max, PARKED)?;
            let outbox = one!(tx, Waiting, OUTBOX, max, now)?;
            let (failed, held) = (DeliveryStatus::Failed, DeliveryStatus::Held);
            let inbox_dead = one!(tx, scalar i64, INBOX_PARKED, max, failed, PARKED)?;
            let held = one!(tx, scalar i64, INBOX_PARKED, max, held, PARKED)?;
            let outbox_dead = one!(tx, scalar i64, OUTBOX_DEAD, max, OutboxStatus::Failed)?;
            let refused = IntegrationStatus::NeedsReauth;
            let needs_reauth = one!(tx, scalar i64, NEEDS_REAUTH, max, refused)?;
            let (sinks, sinks_open) = one!(tx, (i64, i64), SINKS, max, now)?;
            Ok(Backlog {
                inbox: queue(inbox, inbox_dead),
                held: u64::try_from(held).unwrap_or(0),
                outbox: queue(outbox, outbox_dead),
                poll_due,
                tick_due,
                cursors: all!(tx, (String, Timestamp), CURSORS)?,
                needs_reauth: u64::try_from(needs_reauth).unwrap_or(0),
                sinks: u64::try_from(sinks).unwrap_or(0),
                sinks_open: u64::try_from(sinks_open).unwrap_or(0),
            })
        })
        .await
    }

    /// The use of each pool of connections.
    pub fn pool_use(&self) -> Vec<PoolUse> {
        match &self.db {
            Db::Postgres(postgres) => {
                let pools = postgres.pools().iter();
                pools.map(|(name, pool)| pool_use(name, pool)).collect()
            }
            Db::Sqlite(sqlite) => {
                let pools = sqlite.pools().iter();
                pools.map(|(name, pool)| pool_use(name, pool)).collect()
            }
        }
    }
}

/// The number of rows that wait, and the time of the oldest.
type Waiting = (i64, Option<Timestamp>);

fn queue((waiting, oldest): Waiting, dead: i64) -> Queue {
    Queue {
        waiting: u64::try_from(waiting).unwrap_or(0),
        oldest,
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
