//! The inbox, in two parts: a queue of live work, which is small, and the archive of all
//! deliveries, which is only appended to and finished once.
//!
//! `receive.rs` writes deliveries, `claim.rs` hands them to workers, `settle.rs` ends them
//! with what they start, `part.rs` writes a part of that, `give_back.rs` returns them untried,
//! `workers.rs` returns what a dead worker held, `decide.rs` does what people want. Here are the lists that people see.

mod adopt;
mod body;
mod claim;
mod decide;
mod give_back;
mod hold;
mod matching;
mod operator;
mod part;
mod partitions;
mod receive;
mod settle;
mod settlement;
mod workers;

pub use claim::{Claim, ClaimMemory, LaneClaim, LaneShare, UnreadableDelivery};
pub use decide::{DeliveryChange, DeliveryFilter};
pub use hold::{HeldChange, Resumed};
pub use matching::{IntegrationState, Matching, OwnerKey};
pub use operator::{OperatorFilter, OwnedDelivery};
pub use partitions::Dropped;
pub use receive::{PackedDelivery, Stored};
pub use settle::Settled;
pub use settlement::{Owner, Settlement};
pub use workers::Returned;

use super::db::{Json, Query, optional, row};
use super::{Page, PageRequest, Store, StoreError};
use crate::domain::delivery::{Delivery, DeliveryContent, Header};
use crate::domain::{DeliveryId, DeliveryStatus, Lane, OrgId, Timestamp};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use body::unpack;
use constcat::concat;

/// The due time of a delivery that waits for a person: a dead letter, or one that is held.
pub(in crate::store) const PARKED: Timestamp = Timestamp(i64::MAX);

row!(Delivery {
    id,
    provider,
    integration_id,
    trigger_id,
    route,
    delivery_key,
    status,
    outcome,
    attempt,
    due_at,
    error,
    received_at,
    processed_at,
});

/// The live state of a delivery wins over the archive's.
const COLUMNS: &str = "i.id, i.provider, i.integration_id, i.trigger_id, i.route, i.delivery_key,
        coalesce(q.status, i.status) as status, i.outcome,
        case when q.worker is null then i.attempt else q.tries + 1 end as attempt,
        case when q.due_at < 9223372036854775807 then q.due_at end as due_at,
        coalesce(q.error, i.error) as error, i.received_at, i.processed_at,
        coalesce(i.org_id, q.org_id) as org_id";
const ANY: &str = concat!(
    "select * from (select ",
    COLUMNS,
    " from inbox i left join inbox_queue q on q.id = i.id) as d where "
);
/// Deliveries in the queue.
const LIVE: &str = concat!(
    "select * from (select ",
    COLUMNS,
    " from inbox_queue q join inbox i on i.id = q.id where "
);
/// Deliveries that wait for a person or for a retry.
const WAITING: &str = concat!(LIVE, "q.due_at is not null and q.org_id = ");
/// Deliveries that a worker may take.
const READY: &str = concat!(
    " union all select ",
    COLUMNS,
    " from inbox_queue q join inbox i on i.id = q.id
      where q.due_at is null and q.worker is null and q.lane = "
);
/// Deliveries that a worker holds.
const CLAIMED: &str = concat!(LIVE, "q.worker is not null) as d where ");

#[derive(sqlx_macros::FromRow)]
struct Content {
    headers: Json<Vec<Header>>,
    query: String,
    body: Vec<u8>,
    body_codec: i16,
}

/// The deliveries that a list shows; each query reads the index of its kind.
fn listed(org: &OrgId, status: Option<DeliveryStatus>) -> Query {
    match status {
        Some(DeliveryStatus::Processing) => Query::new(CLAIMED).push("org_id = ").bind(org),
        Some(status @ (DeliveryStatus::Held | DeliveryStatus::Failed)) => Query::new(WAITING)
            .bind(org)
            .push(" and q.status = ")
            .bind(status.as_str())
            .push(") as d where true"),
        Some(status @ DeliveryStatus::Pending) => Query::new(WAITING)
            .bind(org)
            .push(" and q.status = ")
            .bind(status.as_str())
            .push(READY)
            .bind(Lane::of_org(org).0)
            .push(") as d where org_id = ")
            .bind(org),
        status => Query::new(ANY)
            .push("org_id = ")
            .bind(org)
            .and("status =", status.map(DeliveryStatus::as_str)),
    }
}

impl Store {
    /// An organization's deliveries.
    pub async fn list_deliveries(
        &self,
        org: &OrgId,
        status: Option<DeliveryStatus>,
        page: PageRequest,
    ) -> Result<Page<Delivery>, StoreError> {
        let query = listed(org, status);
        let deliveries = self.read(async |tx| query.page(page).all(tx).await).await?;
        Ok(page.page(deliveries, |delivery: &Delivery| delivery.id.0))
    }

    /// One delivery.
    pub async fn delivery(
        &self,
        org: &OrgId,
        id: DeliveryId,
    ) -> Result<Option<Delivery>, StoreError> {
        let query = Query::new(ANY)
            .push("org_id = ")
            .bind(org)
            .and("id =", Some(id));
        let found: Vec<Delivery> = self.read(async |tx| query.all(tx).await).await?;
        Ok(found.into_iter().next())
    }

    /// One delivery with its headers and its body.
    pub async fn delivery_content(
        &self,
        org: &OrgId,
        id: DeliveryId,
    ) -> Result<Option<DeliveryContent>, StoreError> {
        match self.delivery(org, id).await? {
            Some(delivery) => self.content(delivery).await,
            None => Ok(None),
        }
    }

    async fn content(&self, delivery: Delivery) -> Result<Option<DeliveryContent>, StoreError> {
        const SQL: &str = "select headers, query, body, body_codec from inbox where id = $1";
        let id = delivery.id;
        let content = self
            .read(async |tx| optional!(tx, Content, SQL, id))
            .await?;
        let Some(content) = content else {
            return Ok(None);
        };
        let body = unpack(content.body, content.body_codec)?;
        Ok(Some(DeliveryContent {
            delivery,
            headers: content.headers.0,
            query: content.query,
            body_base64: STANDARD.encode(&body),
            body: String::from_utf8(body).ok(),
        }))
    }
}
