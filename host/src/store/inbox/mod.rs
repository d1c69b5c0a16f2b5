//! The inbox: `receive.rs` writes deliveries, `claim.rs` hands them to workers,
//! `settle.rs` completes them with what they start, `give_back.rs` returns them untried,
//! `dead_letters.rs` retries and discards them. Here are the lists that people see.

mod body;
mod claim;
mod dead_letters;
mod give_back;
mod matching;
mod receive;
mod settle;

pub use claim::{Claim, UnreadableDelivery};
pub use dead_letters::{DeadLetterChange, RetryFilter};
pub use matching::{IntegrationState, Matching, OwnerKey};
pub use receive::{PackedDelivery, Stored};
pub use settle::{Owner, Settled, Settlement};

use super::db::{Json, Query, optional, row};
use super::{Page, PageRequest, Store, StoreError};
use crate::domain::delivery::{Delivery, DeliveryContent, Header};
use crate::domain::{DeliveryId, DeliveryStatus, OrgId};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use body::unpack;
use constcat::concat;

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

const OF_ORG: &str = "select id, provider, integration_id, trigger_id, route, delivery_key, status,
        outcome, attempt - attempts_before as attempt, due_at, error, received_at, processed_at
     from inbox where org_id = ";
const ONE: &str = concat!(OF_ORG, "$1 and id = $2");

#[derive(sqlx_macros::FromRow)]
struct Content {
    headers: Json<Vec<Header>>,
    query: String,
    body: Vec<u8>,
    body_codec: i16,
}

impl Store {
    /// An organization's deliveries.
    pub async fn list_deliveries(
        &self,
        org: &OrgId,
        status: Option<DeliveryStatus>,
        page: PageRequest,
    ) -> Result<Page<Delivery>, StoreError> {
        let query = Query::new(OF_ORG)
            .bind(org)
            .and("status =", status.map(DeliveryStatus::as_str));
        let deliveries = self.read(async |tx| query.page(page).all(tx).await).await?;
        Ok(page.page(deliveries, |delivery: &Delivery| delivery.id.0))
    }

    /// One delivery.
    pub async fn delivery(
        &self,
        org: &OrgId,
        id: DeliveryId,
    ) -> Result<Option<Delivery>, StoreError> {
        self.read(async |tx| optional!(tx, Delivery, ONE, org, id))
            .await
    }

    /// One delivery with its headers and its body.
    pub async fn delivery_content(
        &self,
        org: &OrgId,
        id: DeliveryId,
    ) -> Result<Option<DeliveryContent>, StoreError> {
        const SQL: &str =
            "select headers, query, body, body_codec from inbox where org_id = $1 and id = $2";
        let Some(delivery) = self.delivery(org, id).await? else {
            return Ok(None);
        };
        let content = self
            .read(async |tx| optional!(tx, Content, SQL, org, id))
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
