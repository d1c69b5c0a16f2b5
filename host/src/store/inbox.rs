//! The inbox as people see it: lists, contents, and what can be done about dead
//! letters.

use super::body::unpack;
use super::pool::{read, write};
use super::{Page, PageRequest, Store, StoreError};
use crate::domain::delivery::{Delivery, DeliveryContent};
use crate::domain::status::Lifecycle;
use crate::domain::{DeliveryId, DeliveryStatus, IntegrationId, OrgId, Timestamp, TriggerId};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use uuid::Uuid;

/// What a person may do about a dead letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeadLetterChange {
    /// Try it again, with its attempts counted anew; nothing is left of what was
    /// said of the last one.
    Retry,
    /// Give it up.
    Discard,
}

impl DeadLetterChange {
    /// The number of claims is left alone: it is the fence against a worker that
    /// still holds one of them.
    const fn sql(self) -> &'static str {
        match self {
            Self::Retry => {
                "update inbox set status = $4, due_at = $5, attempts_before = attempt,
                    outcome = null, error = null, processed_at = null
                 where org_id = $1 and id = $2 and status = $3"
            }
            Self::Discard => {
                "update inbox set status = $4, due_at = $5
                 where org_id = $1 and id = $2 and status = $3"
            }
        }
    }

    fn target(self) -> DeliveryStatus {
        match self {
            Self::Retry => DeliveryStatus::Pending,
            Self::Discard => DeliveryStatus::Discarded,
        }
    }
}

/// Which dead letters are retried together.
#[derive(Clone, Debug, Default)]
pub struct RetryFilter {
    /// Of this provider.
    pub provider: Option<String>,
    /// Of this integration.
    pub integration: Option<IntegrationId>,
    /// Received at this time or later.
    pub since: Option<Timestamp>,
}

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

    /// Retries or discards a dead letter. Returns the status in which it was
    /// found: the change was made if that status allows it.
    ///
    /// # Errors
    /// If the database is unavailable.
    pub async fn change_dead_letter(
        &self,
        org: &OrgId,
        id: DeliveryId,
        change: DeadLetterChange,
        now: Timestamp,
    ) -> Result<Option<DeliveryStatus>, StoreError> {
        let due_at = (change == DeadLetterChange::Retry).then_some(now.0);
        write!(self, tx => {
            let found: Option<String> =
                sqlx::query_scalar("select status from inbox where org_id = $1 and id = $2")
                    .bind(org.as_str())
                    .bind(id.0)
                    .fetch_optional(&mut **tx)
                    .await?;
            let Some(found) = found else { return Ok(None) };
            let found: DeliveryStatus =
                found.parse().map_err(|e| StoreError::unreadable("inbox", "status", e))?;
            if found == DeliveryStatus::Failed && found.may_become(change.target()) {
                // Once more with the status, in case somebody was faster.
                let done = sqlx::query(change.sql())
                .bind(org.as_str())
                .bind(id.0)
                .bind(found.as_str())
                .bind(change.target().as_str())
                .bind(due_at)
                .execute(&mut **tx)
                .await?;
                if done.rows_affected() == 0 {
                    return Ok(Some(change.target()));
                }
            }
            Ok::<_, StoreError>(Some(found))
        })
    }

    /// Retries up to `max` dead letters, oldest first; returns how many. Those that
    /// somebody else changes just now are left to them.
    ///
    /// # Errors
    /// If nothing was written.
    pub async fn retry_dead_letters(
        &self,
        org: &OrgId,
        filter: &RetryFilter,
        max: u32,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        let lock = if self.is_embedded() {
            ""
        } else {
            " for update skip locked"
        };
        write!(self, tx => {
            let mut query = sqlx::QueryBuilder::new("update inbox set status = ");
            query.push_bind(DeliveryStatus::Pending.as_str());
            query.push(", due_at = ").push_bind(now.0);
            // As for a single one: see DeadLetterChange.
            query.push(
                ", attempts_before = attempt, outcome = null, error = null, processed_at = null
                 where id in (select id from inbox where org_id = ",
            );
            query.push_bind(org.as_str());
            query.push(" and status = ").push_bind(DeliveryStatus::Failed.as_str());
            if let Some(provider) = &filter.provider {
                query.push(" and provider = ").push_bind(provider.as_str());
            }
            if let Some(integration) = filter.integration {
                query.push(" and integration_id = ").push_bind(integration.0);
            }
            if let Some(since) = filter.since {
                query.push(" and received_at >= ").push_bind(since.0);
            }
            query.push(" order by id limit ").push_bind(i64::from(max));
            query.push(lock).push(")");
            let done = query.build().execute(&mut **tx).await?;
            Ok::<_, StoreError>(done.rows_affected())
        })
    }
}
