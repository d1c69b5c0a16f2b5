//! The inbox as people see it: lists and contents.

use super::body::unpack;
use super::pool::read;
use super::{Page, PageRequest, Store, StoreError};
use crate::domain::delivery::{Delivery, DeliveryContent};
use crate::domain::{DeliveryId, DeliveryStatus, IntegrationId, OrgId, Timestamp, TriggerId};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use uuid::Uuid;

#[derive(sqlx::FromRow)]
struct DeliveryRow {
    id: Uuid,
    provider: String,
    integration_id: Option<Uuid>,
    trigger_id: Option<Uuid>,
    route: String,
    delivery_key: Option<String>,
    status: String,
    outcome: Option<String>,
    attempt: i32,
    due_at: Option<i64>,
    error: Option<String>,
    received_at: i64,
    processed_at: Option<i64>,
}

#[derive(sqlx::FromRow)]
struct ContentRow {
    headers: String,
    query: String,
    body: Vec<u8>,
    body_codec: i16,
}

impl TryFrom<DeliveryRow> for Delivery {
    type Error = StoreError;

    fn try_from(row: DeliveryRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: DeliveryId(row.id),
            provider: row.provider,
            integration_id: row.integration_id.map(IntegrationId),
            trigger_id: row.trigger_id.map(TriggerId),
            route: row
                .route
                .parse()
                .map_err(|e| StoreError::unreadable("inbox", "route", e))?,
            delivery_key: row.delivery_key,
            status: row
                .status
                .parse()
                .map_err(|e| StoreError::unreadable("inbox", "status", e))?,
            outcome: row.outcome,
            attempt: row.attempt,
            due_at: row.due_at.map(Timestamp),
            error: row.error,
            received_at: Timestamp(row.received_at),
            processed_at: row.processed_at.map(Timestamp),
        })
    }
}

const SELECT: &str = "select id, provider, integration_id, trigger_id, route, delivery_key, status,
    outcome, attempt - attempts_before as attempt, due_at, error, received_at, processed_at from inbox where org_id = ";

impl Store {
    /// An organization's deliveries.
    ///
    /// # Errors
    /// If the database is unavailable.
    pub async fn list_deliveries(
        &self,
        org: &OrgId,
        status: Option<DeliveryStatus>,
        page: PageRequest,
    ) -> Result<Page<Delivery>, StoreError> {
        let rows: Vec<DeliveryRow> = read!(self, pool => {
            let mut query = sqlx::QueryBuilder::new(SELECT);
            query.push_bind(org.as_str());
            query.push(" and id < ").push_bind(page.before());
            if let Some(status) = status {
                query.push(" and status = ").push_bind(status.as_str());
            }
            query.push(" order by id desc limit ").push_bind(page.fetch());
            query.build_query_as().fetch_all(pool).await?
        });
        let items = rows
            .into_iter()
            .map(Delivery::try_from)
            .collect::<Result<_, _>>()?;
        Ok(page.page(items, |delivery: &Delivery| delivery.id.0))
    }

    /// One delivery.
    ///
    /// # Errors
    /// If the database is unavailable.
    pub async fn delivery(
        &self,
        org: &OrgId,
        id: DeliveryId,
    ) -> Result<Option<Delivery>, StoreError> {
        let row: Option<DeliveryRow> = read!(self, pool => {
            let mut query = sqlx::QueryBuilder::new(SELECT);
            query.push_bind(org.as_str()).push(" and id = ").push_bind(id.0);
            query.build_query_as().fetch_optional(pool).await?
        });
        row.map(Delivery::try_from).transpose()
    }

    /// One delivery with what was sent.
    ///
    /// # Errors
    /// If the database is unavailable.
    pub async fn delivery_content(
        &self,
        org: &OrgId,
        id: DeliveryId,
    ) -> Result<Option<DeliveryContent>, StoreError> {
        let Some(delivery) = self.delivery(org, id).await? else {
            return Ok(None);
        };
        let row: Option<ContentRow> = read!(self, pool => {
            sqlx::query_as("select headers, query, body, body_codec from inbox where org_id = $1 and id = $2")
                .bind(org.as_str())
                .bind(id.0)
                .fetch_optional(pool)
                .await?
        });
        let Some(row) = row else { return Ok(None) };
        let body = unpack(row.body, row.body_codec)?;
        Ok(Some(DeliveryContent {
            delivery,
            headers: serde_json::from_str(&row.headers)
                .map_err(|error| StoreError::unreadable("inbox", "headers", error))?,
            query: row.query,
            body_base64: STANDARD.encode(&body),
            body: String::from_utf8(body).ok(),
        }))
    }
}
