//! T2: workers claim deliveries.

use super::body::unpack;
use super::matching::org_id;
use super::pool::{Db, on_postgres, read};
use super::{Store, StoreError};
use crate::domain::delivery::{ClaimedDelivery, Header, Origin};
use crate::domain::{DeliveryId, DeliveryStatus, IntegrationId, Timestamp, TriggerId};
use sqlx::{ColumnIndex, Decode, FromRow, Row, Type};
use std::time::Duration;
use uuid::Uuid;

/// What one claim took.
#[derive(Debug, Default)]
pub struct Claim {
    /// Oldest first.
    pub deliveries: Vec<ClaimedDelivery>,
    /// Rows that are claimed like the others, but make no sense.
    pub unreadable: Vec<UnreadableDelivery>,
    /// How many of all these another worker had claimed, and left until its lease lapsed.
    pub reclaimed: usize,
}

/// A claimed row that this version cannot read.
#[derive(Debug)]
pub struct UnreadableDelivery {
    /// The row.
    pub id: DeliveryId,
    /// The claim's fence.
    pub attempt: i32,
    /// What is wrong with it.
    pub error: StoreError,
}

#[derive(sqlx::FromRow)]
struct ClaimedRow {
    id: Uuid,
    attempt: i32,
    attempts_before: i32,
    org_id: Option<String>,
    provider: String,
    route: String,
    trigger_id: Option<Uuid>,
    integration_id: Option<Uuid>,
    headers: String,
    query: String,
    body: Vec<u8>,
    body_codec: i16,
    received_at: i64,
}

// Materialized: a planner that evaluated the limit once more for each row would
// claim more than was asked for.
macro_rules! claim_sql {
    ($lock:literal, $more:literal) => {
        concat!(
            "with due as materialized (
                select id, status from inbox where due_at <= $1 order by due_at, id limit $2 ",
            $lock,
            ")
             update inbox set status = $3, attempt = attempt + 1, due_at = $4
             from due where inbox.id = due.id
             returning inbox.id, attempt, attempts_before, org_id, provider, route, trigger_id, integration_id,
                headers, query, body, body_codec, received_at",
            $more
        )
    };
}

/// SQLite's `returning` sees nothing but the row as it is now.
const LAPSED_SQLITE: &str = "select count(*) from (
    select status from inbox where due_at <= $1 order by due_at, id limit $2) as due
    where status = $3";

impl Store {
    /// Claims up to `max` deliveries that are due, or whose lease has lapsed, for
    /// the length of `lease`. A row that cannot be read takes no other with it.
    ///
    /// # Errors
    /// If the database is unavailable.
    pub async fn claim_deliveries(
        &self,
        now: Timestamp,
        lease: Duration,
        max: usize,
    ) -> Result<Claim, StoreError> {
        let max = i64::try_from(max).unwrap_or(i64::MAX);
        let until = (now + lease).0;
        let status = DeliveryStatus::Processing.as_str();
        let mut claim = Claim::default();
        match &self.db {
            Db::Postgres(postgres) => on_postgres!(postgres, connection => {
                let mut tx = sqlx::Connection::begin(connection).await?;
                // A claim that a crash of the database forgets is made again, and
                // whoever settles first has settled: it need not wait for the disk.
                sqlx::query("set local synchronous_commit = off")
                    .execute(&mut *tx)
                    .await?;
                let rows = sqlx::query(claim_sql!(
                    "for update skip locked",
                    ", due.status as last_status"
                ))
                .bind(now.0)
                .bind(max)
                .bind(status)
                .bind(until)
                .fetch_all(&mut *tx)
                .await?;
                tx.commit().await?;
                rows.iter().try_for_each(|row| claim.add(row))?;
                for row in &rows {
                    let last: &str = row.try_get("last_status")?;
                    claim.reclaimed += usize::from(last == status);
                }
                Ok::<_, StoreError>(())
            })?,
            Db::Sqlite(sqlite) => {
                let mut tx = sqlite.write.begin_with("begin immediate").await?;
                let lapsed: i64 = sqlx::query_scalar(LAPSED_SQLITE)
                    .bind(now.0)
                    .bind(max)
                    .bind(status)
                    .fetch_one(&mut *tx)
                    .await?;
                claim.reclaimed = usize::try_from(lapsed).unwrap_or(0);
                let rows = sqlx::query(claim_sql!("", ""))
                    .bind(now.0)
                    .bind(max)
                    .bind(status)
                    .bind(until)
                    .fetch_all(&mut *tx)
                    .await?;
                tx.commit().await?;
                rows.iter().try_for_each(|row| claim.add(row))?;
            }
        }
        claim
            .deliveries
            .sort_unstable_by_key(|delivery| delivery.id);
        Ok(claim)
    }

    /// When the next delivery is due, if any waits.
    ///
    /// # Errors
    /// If the database is unavailable.
    pub async fn next_delivery_due(&self) -> Result<Option<Timestamp>, StoreError> {
        let due: Option<i64> = read!(self, pool => {
            sqlx::query_scalar("select due_at from inbox where due_at is not null order by due_at limit 1")
                .fetch_optional(pool)
                .await?
        });
        Ok(due.map(Timestamp))
    }
}

impl Claim {
    fn add<'r, R: Row>(&mut self, row: &'r R) -> Result<(), StoreError>
    where
        ClaimedRow: FromRow<'r, R>,
        Uuid: Decode<'r, R::Database> + Type<R::Database>,
        i32: Decode<'r, R::Database> + Type<R::Database>,
        for<'a> &'a str: ColumnIndex<R>,
    {
        let read = ClaimedRow::from_row(row).map_err(StoreError::from);
        match read.and_then(claimed) {
            Ok(delivery) => self.deliveries.push(delivery),
            Err(error) => self.unreadable.push(UnreadableDelivery {
                id: DeliveryId(row.try_get("id")?),
                attempt: row.try_get("attempt")?,
                error,
            }),
        }
        Ok(())
    }
}

fn claimed(row: ClaimedRow) -> Result<ClaimedDelivery, StoreError> {
    let headers: Vec<Header> = serde_json::from_str(&row.headers)
        .map_err(|error| StoreError::unreadable("inbox", "headers", error))?;
    Ok(ClaimedDelivery {
        id: DeliveryId(row.id),
        attempt: row.attempt,
        tries: row.attempt - row.attempts_before,
        origin: Origin {
            route: row
                .route
                .parse()
                .map_err(|e| StoreError::unreadable("inbox", "route", e))?,
            provider: row.provider,
            org: row.org_id.map(|org| org_id("inbox", &org)).transpose()?,
            trigger: row.trigger_id.map(TriggerId),
            integration: row.integration_id.map(IntegrationId),
        },
        headers,
        query: row.query,
        body: unpack(row.body, row.body_codec)?,
        received_at: Timestamp(row.received_at),
    })
}
