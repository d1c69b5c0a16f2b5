//! T1: verified requests become rows of the inbox, many in one statement.

use super::body::{PackedBody, pack};
use super::pool::{Db, Sqlite, on_postgres};
use super::{Store, StoreError};
use crate::domain::delivery::{NewDelivery, Origin, Route};
use crate::domain::{DeliveryId, DeliveryStatus, Timestamp};
use sha2::{Digest, Sha256};
use sqlx::PgConnection;
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

/// A delivery that is ready to be written: the work of one request that needs no
/// database is done before the writer sees it.
#[derive(Clone, Debug)]
pub struct PackedDelivery {
    id: DeliveryId,
    origin: Origin,
    delivery_key: Option<String>,
    door_key: Option<Uuid>,
    headers: String,
    query: String,
    body: PackedBody,
    received_at: Timestamp,
}

impl PackedDelivery {
    /// Compresses the body and computes the key that the door deduplicates by.
    pub fn new(delivery: NewDelivery) -> Self {
        let door_key = delivery
            .delivery_key
            .as_deref()
            .map(|key| door_key(&delivery.origin, key));
        let text = |text: String| {
            if text.contains('\0') {
                text.replace('\0', "\u{fffd}")
            } else {
                text
            }
        };
        Self {
            id: delivery.id,
            door_key,
            delivery_key: delivery.delivery_key.map(text),
            // Strings alone: this cannot fail.
            headers: serde_json::to_string(&delivery.headers).unwrap_or_default(),
            query: text(delivery.query),
            body: pack(&delivery.body),
            received_at: delivery.received_at,
            origin: delivery.origin,
        }
    }

    /// By which the door recognises a repetition; none if the sender gave no id.
    pub fn door_key(&self) -> Option<Uuid> {
        self.door_key
    }

    /// When it arrived.
    pub fn received_at(&self) -> Timestamp {
        self.received_at
    }

    /// By which route.
    pub fn route(&self) -> Route {
        self.origin.route
    }

    /// Bytes that wait in memory until this is written.
    pub fn bytes(&self) -> usize {
        self.body.bytes.len() + self.headers.len() + self.query.len()
    }
}

/// 128 bits of SHA-256 over the source and the sender's id: an index entry of
/// fixed size, however long the id is.
fn door_key(origin: &Origin, delivery_key: &str) -> Uuid {
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

/// What became of a delivery at the door.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stored {
    /// The row: of the first delivery, if this one repeats it.
    pub id: DeliveryId,
    /// Whether it was committed before.
    pub duplicate: bool,
}

/// Of a delivery that was neither inserted nor is there: the row that kept it out
/// is gone again. Another try inserts it.
const NOWHERE: &str = "a delivery was neither inserted nor found";

/// Which rows there are of deliveries that were not inserted.
#[derive(Debug, Default)]
struct Present {
    ids: HashSet<Uuid>,
    by_key: HashMap<Uuid, DeliveryId>,
}

impl Present {
    fn stored(&self, delivery: &PackedDelivery) -> Option<Stored> {
        // A row under this very id means that an earlier try of the same call had
        // been committed after all.
        let own = self.ids.contains(&delivery.id.0).then_some(delivery.id);
        let first = || self.by_key.get(&delivery.door_key?).copied();
        own.or_else(first).map(|id| Stored {
            id,
            duplicate: id != delivery.id,
        })
    }
}

impl Store {
    /// Commits deliveries, in one statement; answers in their order. Calling it
    /// again with the same deliveries after a failure changes nothing.
    ///
    /// # Errors
    /// If nothing was committed, or nobody knows.
    pub async fn receive(&self, deliveries: &[PackedDelivery]) -> Result<Vec<Stored>, StoreError> {
        // In one order everywhere: two replicas that were sent the same deliveries
        // would otherwise wait for each other's index entries, crosswise.
        let mut ordered: Vec<&PackedDelivery> = deliveries.iter().collect();
        ordered.sort_unstable_by_key(|delivery| delivery.door_key);
        let inserted: HashSet<Uuid> = match &self.db {
            Db::Postgres(postgres) => on_postgres!(postgres, connection => {
                insert_postgres(connection, &ordered).await
            })?,
            Db::Sqlite(sqlite) => insert_sqlite(sqlite, &ordered).await?,
        }
        .into_iter()
        .collect();
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

    /// What is there of deliveries that were not inserted.
    async fn present(&self, deliveries: &[&PackedDelivery]) -> Result<Present, StoreError> {
        if deliveries.is_empty() {
            return Ok(Present::default());
        }
        let ids: Vec<Uuid> = deliveries.iter().map(|delivery| delivery.id.0).collect();
        let keys: Vec<Uuid> = deliveries.iter().filter_map(|d| d.door_key).collect();
        let rows: Vec<(Uuid, Option<Uuid>)> = match &self.db {
            Db::Postgres(postgres) => on_postgres!(postgres, connection => {
                let present = sqlx::query_as(
                    "select id, door_key from inbox where id = any($1)
                     union
                     select id, door_key from inbox
                     where door_key is not null and door_key = any($2)",
                )
                .bind(ids)
                .bind(keys);
                Ok::<_, StoreError>(present.fetch_all(connection).await?)
            })?,
            Db::Sqlite(sqlite) => {
                let mut query =
                    sqlx::QueryBuilder::new("select id, door_key from inbox where id in ");
                push_list(&mut query, &ids);
                query.push(" union select id, door_key from inbox where door_key in ");
                push_list(&mut query, &keys);
                query.build_query_as().fetch_all(&sqlite.read).await?
            }
        };
        let ids = rows.iter().map(|(id, _)| *id).collect();
        let by_key = rows
            .into_iter()
            .filter_map(|(id, key)| Some((key?, DeliveryId(id))))
            .collect();
        Ok(Present { ids, by_key })
    }
}

fn push_list(query: &mut sqlx::QueryBuilder<sqlx::Sqlite>, values: &[Uuid]) {
    query.push("(");
    let mut list = query.separated(", ");
    for value in values {
        list.push_bind(*value);
    }
    query.push(")");
}

async fn insert_postgres(
    connection: &mut PgConnection,
    deliveries: &[&PackedDelivery],
) -> Result<Vec<Uuid>, StoreError> {
    const SQL: &str = "
        insert into inbox (id, org_id, provider, route, trigger_id, integration_id, delivery_key,
            door_key, headers, query, body, body_codec, received_at, due_at, status, attempt)
        select id, org_id, provider, route, trigger_id, integration_id, delivery_key,
            door_key, headers, query, body, body_codec, received_at, received_at, $14, 0
        from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::uuid[], $6::uuid[],
            $7::text[], $8::uuid[], $9::text[], $10::text[], $11::bytea[], $12::int2[], $13::int8[])
            as new (id, org_id, provider, route, trigger_id, integration_id, delivery_key,
                door_key, headers, query, body, body_codec, received_at)
        on conflict do nothing
        returning id";
    fn column<'a, T>(rows: &[&'a PackedDelivery], get: impl Fn(&'a PackedDelivery) -> T) -> Vec<T> {
        rows.iter().map(|row| get(row)).collect()
    }
    let rows = deliveries;
    let ids = sqlx::query_scalar(SQL)
        .bind(column(rows, |row| row.id.0))
        .bind(column(rows, |row| {
            row.origin.org.as_ref().map(|org| org.as_str())
        }))
        .bind(column(rows, |row| row.origin.provider.as_str()))
        .bind(column(rows, |row| row.origin.route.as_str()))
        .bind(column(rows, |row| row.origin.trigger.map(|id| id.0)))
        .bind(column(rows, |row| row.origin.integration.map(|id| id.0)))
        .bind(column(rows, |row| row.delivery_key.as_deref()))
        .bind(column(rows, |row| row.door_key))
        .bind(column(rows, |row| row.headers.as_str()))
        .bind(column(rows, |row| row.query.as_str()))
        .bind(column(rows, |row| row.body.bytes.as_slice()))
        .bind(column(rows, |row| row.body.codec))
        .bind(column(rows, |row| row.received_at.0))
        .bind(DeliveryStatus::Pending.as_str())
        .fetch_all(connection)
        .await?;
    Ok(ids)
}

async fn insert_sqlite(
    sqlite: &Sqlite,
    deliveries: &[&PackedDelivery],
) -> Result<Vec<Uuid>, StoreError> {
    let mut tx = sqlite.write.begin_with("begin immediate").await?;
    let mut inserted = Vec::with_capacity(deliveries.len());
    for row in deliveries {
        let id: Option<Uuid> = sqlx::query_scalar(
            "insert into inbox (id, org_id, provider, route, trigger_id, integration_id,
                delivery_key, door_key, headers, query, body, body_codec, received_at, due_at,
                status, attempt)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $13, $14, 0)
             on conflict do nothing
             returning id",
        )
        .bind(row.id.0)
        .bind(row.origin.org.as_ref().map(|org| org.as_str()))
        .bind(row.origin.provider.as_str())
        .bind(row.origin.route.as_str())
        .bind(row.origin.trigger.map(|id| id.0))
        .bind(row.origin.integration.map(|id| id.0))
        .bind(row.delivery_key.as_deref())
        .bind(row.door_key)
        .bind(row.headers.as_str())
        .bind(row.query.as_str())
        .bind(row.body.bytes.as_slice())
        .bind(row.body.codec)
        .bind(row.received_at.0)
        .bind(DeliveryStatus::Pending.as_str())
        .fetch_optional(&mut *tx)
        .await?;
        inserted.extend(id);
    }
    tx.commit().await?;
    Ok(inserted)
}
