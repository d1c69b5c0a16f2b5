//! Workers claim deliveries: a share of each lane, within a number of bytes that is known
//! before a body is read.

use super::body::unpack;
use crate::domain::delivery::{ClaimedDelivery, Header, Origin, Route};
use crate::domain::{
    DeliveryId, DeliveryStatus, IntegrationId, Lane, OrgId, Timestamp, TriggerId, WorkerId,
};
use crate::store::db::{Json, Tried, Tx, all, exec, within};
use crate::store::{Store, StoreError};
use constcat::concat;
use std::collections::HashMap;
use uuid::Uuid;

/// The share of one lane in a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LaneShare {
    /// The lane.
    pub lane: Lane,
    /// The position in the lane at which the claim begins to read. Rows before it are known
    /// to be gone: on Postgres their index entries may remain for as long as any
    /// transaction is open, and a claim that began at the first one would read them all.
    pub from: i64,
    /// Deliveries at most.
    pub rows_max: u32,
    /// Bytes of memory at most; the first delivery of a lane may need more.
    pub bytes_max: u64,
}

/// The memory for a whole claim, which is known before a body is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClaimMemory {
    /// Bytes for all deliveries of the claim.
    pub bytes_max: u64,
    /// True if one delivery may need more: nothing else is in memory.
    pub may_exceed: bool,
    /// The number of copies of a body that are in memory at the same time.
    pub copies: i64,
    /// The bytes for a delivery without its body.
    pub base_bytes: i64,
}

/// The result of one claim.
#[derive(Debug, Default)]
pub struct Claim {
    /// In the order of their positions.
    pub deliveries: Vec<ClaimedDelivery>,
    /// Rows that are claimed like the others, but make no sense.
    pub unreadable: Vec<UnreadableDelivery>,
    /// For each lane that had any, the first position and the number of its deliveries.
    pub lanes: HashMap<Lane, LaneClaim>,
}

/// The part of a claim that came from one lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LaneClaim {
    /// The first position.
    pub first: i64,
    /// Deliveries.
    pub rows: u32,
    /// Deliveries that were ready, of which some may have been too large for the memory.
    pub ready: u32,
}

/// A claimed row that this version cannot read.
#[derive(Debug)]
pub struct UnreadableDelivery {
    /// The row.
    pub id: DeliveryId,
    /// The claim's fence.
    pub attempt: i32,
    /// The row's lane.
    pub lane: Lane,
    /// The reason.
    pub error: StoreError,
}

/// The columns of a claimed delivery that come from the queue.
#[derive(Clone, Copy, sqlx_macros::FromRow)]
struct Fence {
    attempt: i32,
    tries: i32,
    lane: Lane,
    position: i64,
    ready: i64,
    deaths: i32,
    suspect: bool,
    retry_since: Timestamp,
}

/// A claimed row. Only its fence has to be readable.
#[derive(sqlx_macros::FromRow)]
struct ClaimedRow {
    #[sqlx(flatten)]
    fence: Fence,
    #[sqlx(flatten)]
    content: Tried<Content>,
}

#[derive(sqlx_macros::FromRow)]
struct Content {
    only_triggers: Option<String>,
    org_id: Option<OrgId>,
    provider: String,
    route: Route,
    trigger_id: Option<TriggerId>,
    integration_id: Option<IntegrationId>,
    headers: Json<Vec<Header>>,
    query: String,
    body: Vec<u8>,
    body_codec: i16,
    received_at: Timestamp,
}

const CLAIMED: &str =
    "q.id, q.attempt, q.tries, q.deaths, q.lane, q.position, q.suspect, q.retry_since,
    q.only_triggers, i.org_id, i.provider, i.route, i.trigger_id, i.integration_id, i.headers,
    i.query, i.body, i.body_codec, i.received_at";

/// The memory that each ready delivery needs, summed up: within its lane, and from the
/// smallest to the largest of the claim, so that a large one delays no small one.
const SIZED: &str = "select id, lane, position, memory, lane_bytes_max,
        count(*) over (partition by lane) as ready,
        sum(memory) over (partition by lane order by position) as in_lane,
        sum(memory) over (order by memory, position) as in_all";
const FITS: &str = "(in_lane <= lane_bytes_max or in_lane = memory)
    and (in_all <= $1 or ($2 and in_all = memory))";

// Materialized: a planner that evaluated the limit once more for each row would claim more
// than it was asked for.
const POSTGRES: &str = concat!(
    "with picked as materialized (
        select ready.id, share.lane, ready.position, share.lane_bytes_max,
            ready.bytes * $3 + $4 as memory
        from unnest($7::uuid[], $8::int8[], $9::int8[], $10::int8[])
            as share (lane, start, rows_max, lane_bytes_max)
        cross join lateral (
            select id, position, bytes from inbox_queue
            where lane = share.lane and due_at is null and worker is null
                and position >= share.start
            order by position limit share.rows_max for update skip locked
        ) as ready
    ), sized as (",
    SIZED,
    " from picked), q as (
        update inbox_queue set status = $5, worker = $6, attempt = attempt + 1
        from sized where inbox_queue.id = sized.id and ",
    FITS,
    " returning inbox_queue.*, sized.ready
    ) select ",
    CLAIMED,
    ", q.ready from q join inbox i on i.id = q.id"
);

const SQLITE_PICK: &str = concat!(
    "select id, memory, ready from (",
    SIZED,
    " from (select id, lane, position, bytes * $3 + $4 as memory, $8 as lane_bytes_max
            from inbox_queue
            where lane = $5 and due_at is null and worker is null and position >= $6
            order by position limit $7)) where ",
    FITS
);
const SQLITE_CLAIM: &str = "update inbox_queue set status = $2, worker = $3, attempt = attempt + 1
    where id = $1";
const SQLITE_READ: &str = concat!(
    "select ",
    CLAIMED,
    ", $2 as ready from inbox_queue q join inbox i on i.id = q.id where q.id = $1"
);

impl Store {
    /// Claims for `worker` the shares that are asked for, as far as they fit into `memory`.
    /// An unreadable row holds up no other.
    ///
    /// # Errors
    /// If the database is unavailable. The claim may have been made nevertheless; see
    /// [`Store::release_unknown`].
    pub async fn claim_deliveries(
        &self,
        worker: WorkerId,
        shares: &[LaneShare],
        memory: ClaimMemory,
    ) -> Result<Claim, StoreError> {
        let rows = self
            .write(async |tx| {
                // The next claim takes a delivery again whose claim a crash forgets, and the
                // first settlement wins.
                tx.commit_without_flush().await?;
                match tx {
                    Tx::Postgres(_) => claim_shares(tx, worker, shares, memory).await,
                    Tx::Sqlite(_) => claim_in_turn(tx, worker, shares, memory).await,
                }
            })
            .await?;
        Ok(Claim::of(rows))
    }
}

/// A number of bytes as the database has it.
fn number(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

async fn claim_shares(
    tx: &mut Tx<'_>,
    worker: WorkerId,
    shares: &[LaneShare],
    memory: ClaimMemory,
) -> Result<Vec<ClaimedRow>, StoreError> {
    let Tx::Postgres(postgres) = tx else {
        return Ok(Vec::new());
    };
    let of = |value: fn(&LaneShare) -> i64| -> Vec<i64> { shares.iter().map(value).collect() };
    let lanes: Vec<Uuid> = shares.iter().map(|share| share.lane.0).collect();
    let claim = sqlx::query_as(POSTGRES)
        .bind(number(memory.bytes_max))
        .bind(memory.may_exceed)
        .bind(memory.copies)
        .bind(memory.base_bytes)
        .bind(DeliveryStatus::Processing)
        .bind(worker)
        .bind(lanes)
        .bind(of(|share| share.from))
        .bind(of(|share| i64::from(share.rows_max)))
        .bind(of(|share| number(share.bytes_max)));
    let answer = claim.fetch_all(&mut *postgres.connection);
    within(postgres.answer_max, answer).await
}

async fn claim_in_turn(
    tx: &mut Tx<'_>,
    worker: WorkerId,
    shares: &[LaneShare],
    memory: ClaimMemory,
) -> Result<Vec<ClaimedRow>, StoreError> {
    let mut left = number(memory.bytes_max);
    let mut rows = Vec::new();
    for share in shares {
        let picked = all!(
            tx,
            (DeliveryId, i64, i64),
            SQLITE_PICK,
            left,
            memory.may_exceed && rows.is_empty(),
            memory.copies,
            memory.base_bytes,
            share.lane,
            share.from,
            i64::from(share.rows_max),
            number(share.bytes_max),
        )?;
        for (id, bytes, ready) in picked {
            left = left.saturating_sub(bytes);
            exec!(tx, SQLITE_CLAIM, id, DeliveryStatus::Processing, worker)?;
            rows.extend(all!(tx, ClaimedRow, SQLITE_READ, id, ready)?);
        }
    }
    Ok(rows)
}

impl Claim {
    fn of(mut rows: Vec<ClaimedRow>) -> Self {
        rows.sort_unstable_by_key(|row| row.fence.position);
        let mut claim = Self::default();
        for row in rows {
            let (id, fence) = (DeliveryId(row.content.id), row.fence);
            let lane = claim.lanes.entry(fence.lane).or_insert(LaneClaim {
                first: fence.position,
                rows: 0,
                ready: u32::try_from(fence.ready).unwrap_or(u32::MAX),
            });
            lane.rows += 1;
            let content = row.content.row.map_err(StoreError::from);
            let content = content.map_err(|error| error.in_statement("select 1 from inbox"));
            match content.and_then(|content| content.claimed(id, fence)) {
                Ok(delivery) => claim.deliveries.push(delivery),
                Err(error) => claim.unreadable.push(UnreadableDelivery {
                    id,
                    attempt: fence.attempt,
                    lane: fence.lane,
                    error,
                }),
            }
        }
        claim
    }

    /// Every claimed row.
    pub fn rows(&self) -> usize {
        self.deliveries.len() + self.unreadable.len()
    }
}

impl Content {
    fn claimed(self, id: DeliveryId, fence: Fence) -> Result<ClaimedDelivery, StoreError> {
        let only_triggers = self.only_triggers.as_deref().map(serde_json::from_str);
        let only_triggers = only_triggers
            .transpose()
            .map_err(|error| StoreError::unreadable("inbox_queue", "only_triggers", error))?;
        Ok(ClaimedDelivery {
            id,
            attempt: fence.attempt,
            tries: fence.tries.saturating_add(1),
            deaths: fence.deaths,
            is_suspect: fence.suspect,
            retry_since: fence.retry_since,
            only_triggers,
            lane: fence.lane,
            origin: Origin {
                route: self.route,
                provider: self.provider,
                org: self.org_id,
                trigger: self.trigger_id,
                integration: self.integration_id,
            },
            headers: self.headers.0,
            query: self.query,
            body: unpack(self.body, self.body_codec)?,
            received_at: self.received_at,
        })
    }
}
