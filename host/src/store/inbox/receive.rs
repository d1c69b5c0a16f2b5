//! Verified requests become rows of the inbox, many in one statement.

use super::body::{PackedBody, pack};
use crate::domain::delivery::{NewDelivery, Origin, Route};
use crate::domain::{DeliveryId, DeliveryStatus, Timestamp};
use crate::store::db::{Column, InsertNew, Query, columns};
use crate::store::{Store, StoreError};
use sha2::{Digest, Sha256};
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
    headers: String,
    query: String,
    body: PackedBody,
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

/// The error of a delivery that was neither inserted nor found: the row that kept it out was
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
        own.or_else(first).map(|id| Stored {
            id,
            duplicate: id != delivery.id,
        })
    }
}

fn columns<'a>() -> [Column<&'a PackedDelivery>; 16] {
    columns!(&'a PackedDelivery {
        id: uuid = |d| d.id.0,
        org_id: text = |d| d.origin.org.as_ref().map(|org| org.as_str()),
        provider: text = |d| d.origin.provider.as_str(),
        route: text = |d| d.origin.route.as_str(),
        trigger_id: uuid = |d| d.origin.trigger.map(|id| id.0),
        integration_id: uuid = |d| d.origin.integration.map(|id| id.0),
        delivery_key: text = |d| d.delivery_key.as_deref(),
        door_key: uuid = |d| d.digest,
        headers: text = |d| d.headers.as_str(),
        query: text = |d| d.query.as_str(),
        body: bytea = |d| d.body.bytes.as_slice(),
        body_codec: int2 = |d| d.body.codec,
        received_at: int8 = |d| d.received_at.0,
        due_at: int8 = |d| d.received_at.0,
        status: text = |_d| DeliveryStatus::Pending.as_str(),
        attempt: int4 = |_d| 0,
    })
}

static INSERT: LazyLock<InsertNew> = LazyLock::new(|| InsertNew::into("inbox", &columns(), ""));

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
            .write_once(async |tx| INSERT.run(tx, &columns(), &ordered).await)
            .await?;
        let inserted: HashSet<Uuid> = inserted.into_iter().collect();
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
        let mut query = Query::new("select id, door_key from inbox where id").one_of(ids);
        if !keys.is_empty() {
            query = query
                .push(" union select id, door_key from inbox where door_key")
                .one_of(keys);
        }
        let rows: Vec<(Uuid, Option<Uuid>)> = self.read(async |tx| query.all(tx).await).await?;
        let ids = rows.iter().map(|(id, _)| *id).collect();
        let by_key = rows
            .into_iter()
            .filter_map(|(id, key)| Some((key?, DeliveryId(id))))
            .collect();
        Ok(Present { ids, by_key })
    }
}
