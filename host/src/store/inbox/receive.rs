//! Verified requests become rows of the inbox, many in one statement: a key at the door, a
//! row of the archive, and a row of the queue.

use super::body::{PackedBody, pack};
use crate::domain::delivery::{NewDelivery, Origin, Route};
use crate::domain::{DeliveryId, DeliveryStatus, Lane, Timestamp};
use crate::signals::Signal;
use crate::store::db::{
    Column, Query, Tx, arrays, bind_all, bind_one, columns, exec, insert_sql, names, within,
};
use crate::store::{Store, StoreError};
use sha2::{Digest, Sha256};
use sqlx::postgres::PgArguments;
use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;
use uuid::Uuid;

/// A delivery that is ready to be written. Each request packs its own delivery, so that the
/// one writer only writes.
#[derive(Clone, Debug)]
pub struct PackedDelivery {
    id: DeliveryId,
    origin: Origin,
    delivery_key: Option<String>,
    digest: Option<Uuid>,
    lane: Lane,
    headers: String,
    query: String,
    body: PackedBody,
    unpacked_bytes: i64,
    received_at: Timestamp,
}

impl PackedDelivery {
    /// Compresses the body and computes the digest that ingress deduplicates by.
    pub fn new(delivery: NewDelivery) -> Self {
        let digest = delivery
            .delivery_key
            .as_deref()
            .map(|key| delivery_digest(&delivery.origin, key));
        let text = |text: String| {
            if text.contains('\0') {
                text.replace('\0', "\u{fffd}")
            } else {
                text
            }
        };
        Self {
            id: delivery.id,
            digest,
            lane: delivery.lane,
            unpacked_bytes: i64::try_from(delivery.body.len()).unwrap_or(i64::MAX),
            delivery_key: delivery.delivery_key.map(text),
            // Serializing strings cannot fail.
            headers: serde_json::to_string(&delivery.headers).unwrap_or_default(),
            query: text(delivery.query),
            body: pack(&delivery.body),
            received_at: delivery.received_at,
            origin: delivery.origin,
        }
    }

    /// The digest by which ingress recognizes a repeated delivery; none if the sender gave no
    /// id.
    pub fn digest(&self) -> Option<Uuid> {
        self.digest
    }

    /// The time of arrival.
    pub fn received_at(&self) -> Timestamp {
        self.received_at
    }

    /// The route that it came by.
    pub fn route(&self) -> Route {
        self.origin.route
    }

    /// The number of bytes that it holds in memory until it is written.
    pub fn bytes(&self) -> usize {
        self.body.bytes.len() + self.headers.len() + self.query.len()
    }
}

/// 128 bits of SHA-256 over the source and the sender's id: an index entry of fixed size,
/// however long the id is.
fn delivery_digest(origin: &Origin, delivery_key: &str) -> Uuid {
    let mut digest = Sha256::new();
    digest.update(origin.route.as_str());
    digest.update([0]);
    match (origin.trigger, origin.integration) {
        (Some(trigger), _) => digest.update(trigger.0.as_bytes()),
        (None, Some(integration)) => digest.update(integration.0.as_bytes()),
        (None, None) => digest.update(&origin.provider),
    }
    digest.update([0]);
    digest.update(delivery_key);
    let mut key = [0; 16];
    key.copy_from_slice(&digest.finalize()[..16]);
    Uuid::from_bytes(key)
}

/// The answer to a delivery that was received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stored {
    /// The row; that of the first delivery, if this one repeats it.
    pub id: DeliveryId,
    /// True if it was committed before.
    pub duplicate: bool,
}

/// The error of a delivery that was neither inserted nor found: what kept it out was
/// deleted meanwhile. A retry inserts it.
const NOWHERE: &str = "a delivery was neither inserted nor found";

/// The existing rows of deliveries that were not inserted.
#[derive(Debug, Default)]
struct Present {
    ids: HashSet<Uuid>,
    by_key: HashMap<Uuid, DeliveryId>,
}

impl Present {
    fn stored(&self, delivery: &PackedDelivery) -> Option<Stored> {
        // A row with the delivery's own id: an earlier try of the same call was committed,
        // and only its answer was lost.
        let own = self.ids.contains(&delivery.id.0).then_some(delivery.id);
        let first = || self.by_key.get(&delivery.digest?).copied();
        let other = || first().filter(|id| *id != delivery.id);
        own.or_else(other).map(|id| Stored {
            id,
            duplicate: id != delivery.id,
        })
    }
}

/// The values of a delivery that become columns of the archive.
fn archive_columns<'a>() -> [Column<&'a PackedDelivery>; 15] {
    columns!(&'a PackedDelivery {
        id: uuid = |d| d.id.0,
        org_id: text = |d| d.origin.org.as_ref().map(|org| org.as_str()),
        provider: text = |d| d.origin.provider.as_str(),
        route: text = |d| d.origin.route.as_str(),
        trigger_id: uuid = |d| d.origin.trigger.map(|id| id.0),
        integration_id: uuid = |d| d.origin.integration.map(|id| id.0),
        delivery_key: text = |d| d.delivery_key.as_deref(),
        headers: text = |d| d.headers.as_str(),
        query: text = |d| d.query.as_str(),
        body: bytea = |d| d.body.bytes.as_slice(),
        body_codec: int2 = |d| d.body.codec,
        body_bytes: int8 = |d| d.unpacked_bytes,
        received_at: int8 = |d| d.received_at.0,
        status: text = |_d| DeliveryStatus::Pending.as_str(),
        attempt: int4 = |_d| 0,
    })
}

/// The values that become columns of the queue alone.
fn queue_columns<'a>() -> [Column<&'a PackedDelivery>; 3] {
    columns!(&'a PackedDelivery {
        lane: uuid = |d| d.lane.0,
        door_key: uuid = |d| d.digest,
        bytes: int8 = |d| d.unpacked_bytes,
    })
}

/// The columns of the queue that have the same value in the archive.
const SHARED: &str = "id, org_id, trigger_id, integration_id, status, received_at";

/// On Postgres, one statement: only a delivery whose key was free, or that has none, goes
/// on.
static POSTGRES: LazyLock<String> = LazyLock::new(|| {
    let (archive, queue) = (archive_columns(), queue_columns());
    let (archive_names, queue_names) = (names(&archive), names(&queue));
    let archive_arrays = arrays(&archive, 1);
    let queue_arrays = arrays(&queue, archive.len() + 1);
    format!(
        "with d as materialized (
            select * from unnest({archive_arrays}, {queue_arrays})
                as d ({archive_names}, {queue_names})
        ), keyed as (
            insert into door_keys (key, delivery_id, received_at)
            select door_key, id, received_at from d where door_key is not null
            on conflict do nothing returning delivery_id
        ), stored as (
            insert into inbox ({archive_names}) select {archive_names} from d
            where door_key is null or id in (select delivery_id from keyed)
            on conflict do nothing returning id
        ), queued as (
            insert into inbox_queue ({SHARED}, {queue_names}, retry_since)
            select {SHARED}, {queue_names}, received_at from d
            where id in (select id from stored)
        )
        select id from stored"
    )
});

static SQLITE_ARCHIVE: LazyLock<String> = LazyLock::new(|| {
    let columns = archive_columns();
    let list: Vec<&str> = columns.iter().map(|column| column.name).collect();
    insert_sql("inbox", &list, "on conflict do nothing returning id")
});

const SQLITE_KEY: &str = "insert into door_keys (key, delivery_id, received_at)
    values ($1, $2, $3) on conflict do nothing";
const SQLITE_QUEUE: &str =
    "insert into inbox_queue (id, org_id, trigger_id, integration_id, status, received_at,
        retry_since, lane, door_key, bytes)
     select id, org_id, trigger_id, integration_id, status, received_at, received_at, $2, $3, $4
     from inbox where id = $1";

impl Store {
    /// Commits deliveries, in one statement; answers in their order. Calling it again with
    /// the same deliveries after a failure changes nothing.
    ///
    /// # Errors
    /// If nothing was committed, or if the answer to the commit was lost.
    pub async fn receive(&self, deliveries: &[PackedDelivery]) -> Result<Vec<Stored>, StoreError> {
        // One order everywhere: two replicas that receive the same deliveries would otherwise
        // wait for each other's index entries.
        let mut ordered: Vec<&PackedDelivery> = deliveries.iter().collect();
        ordered.sort_unstable_by_key(|delivery| delivery.digest);
        let inserted = self
            .write_once(async |tx| {
                // Also for repeated ones: the first answer, and the signal, may have been lost.
                for delivery in &ordered {
                    tx.concerns(Signal::Inbox(Some(delivery.lane.0)));
                }
                insert(tx, &ordered).await
            })
            .await?;
        let rest: Vec<&PackedDelivery> = ordered
            .into_iter()
            .filter(|delivery| !inserted.contains(&delivery.id.0))
            .collect();
        let present = self.present(&rest).await?;
        deliveries
            .iter()
            .map(|delivery| {
                if inserted.contains(&delivery.id.0) {
                    return Ok(Stored {
                        id: delivery.id,
                        duplicate: false,
                    });
                }
                present
                    .stored(delivery)
                    .ok_or_else(|| StoreError::Unavailable(sqlx::Error::Protocol(NOWHERE.into())))
            })
            .collect()
    }

    /// The rows of deliveries that were not inserted.
    async fn present(&self, deliveries: &[&PackedDelivery]) -> Result<Present, StoreError> {
        if deliveries.is_empty() {
            return Ok(Present::default());
        }
        let ids = deliveries.iter().map(|delivery| delivery.id);
        let keys: Vec<Uuid> = deliveries.iter().filter_map(|d| d.digest).collect();
        let by_id = Query::new("select id from inbox where id").one_of(ids);
        let by_key =
            Query::new("select key, delivery_id from door_keys where key").one_of(keys.clone());
        self.read(async |tx| {
            let ids: Vec<(Uuid,)> = by_id.all(tx).await?;
            let by_key: Vec<(Uuid, DeliveryId)> = match keys.is_empty() {
                true => Vec::new(),
                false => by_key.all(tx).await?,
            };
            Ok(Present {
                ids: ids.into_iter().map(|(id,)| id).collect(),
                by_key: by_key.into_iter().collect(),
            })
        })
        .await
    }
}

/// Inserts deliveries, which are in the order of their keys; the ids of those that are new.
async fn insert(
    tx: &mut Tx<'_>,
    deliveries: &[&PackedDelivery],
) -> Result<HashSet<Uuid>, StoreError> {
    match tx {
        Tx::Postgres(postgres) => {
            let mut arguments = PgArguments::default();
            bind_all(&mut arguments, &archive_columns(), deliveries)?;
            bind_all(&mut arguments, &queue_columns(), deliveries)?;
            let insert = sqlx::query_scalar_with(POSTGRES.as_str(), arguments);
            let answer = insert.fetch_all(&mut *postgres.connection);
            let inserted: Vec<Uuid> = within(postgres.answer_max, answer).await?;
            Ok(inserted.into_iter().collect())
        }
        Tx::Sqlite(_) => {
            let mut inserted = HashSet::with_capacity(deliveries.len());
            for delivery in deliveries {
                if insert_alone(tx, delivery).await? {
                    inserted.insert(delivery.id.0);
                }
            }
            Ok(inserted)
        }
    }
}

/// Inserts one delivery on SQLite; false if it is there already.
async fn insert_alone(tx: &mut Tx<'_>, delivery: &PackedDelivery) -> Result<bool, StoreError> {
    let (id, at) = (delivery.id, delivery.received_at);
    if let Some(key) = delivery.digest
        && exec!(tx, SQLITE_KEY, key, id, at)? == 0
    {
        return Ok(false);
    }
    if let Tx::Sqlite(connection) = tx {
        let arguments = bind_one(&archive_columns(), &delivery)?;
        let insert = sqlx::query_scalar_with::<_, Uuid, _>(SQLITE_ARCHIVE.as_str(), arguments);
        if insert.fetch_optional(&mut **connection).await?.is_none() {
            return Ok(false);
        }
    }
    let (lane, bytes) = (delivery.lane, delivery.unpacked_bytes);
    exec!(tx, SQLITE_QUEUE, id, lane, delivery.digest, bytes)?;
    Ok(true)
}
