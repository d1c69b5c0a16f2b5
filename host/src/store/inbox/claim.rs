//! Workers claim deliveries.

use super::body::unpack;
use crate::domain::delivery::{ClaimedDelivery, Header, Origin, Route};
use crate::domain::{DeliveryId, DeliveryStatus, IntegrationId, OrgId, Timestamp, TriggerId};
use crate::store::db::{ByEngine, Json, Tried, Tx, all, one, optional};
use crate::store::{Store, StoreError};
use std::time::Duration;

/// The result of one claim.
#[derive(Debug, Default)]
pub struct Claim {
    /// Oldest first.
    pub deliveries: Vec<ClaimedDelivery>,
    /// Rows that are claimed like the others, but make no sense.
    pub unreadable: Vec<UnreadableDelivery>,
    /// The number of all these that another worker had claimed, and left until its lease
    /// lapsed.
    pub reclaimed: usize,
}

/// A claimed row that this version cannot read.
#[derive(Debug)]
pub struct UnreadableDelivery {
    /// The row.
    pub id: DeliveryId,
    /// The claim's fence.
    pub attempt: i32,
    /// The reason.
    pub error: StoreError,
}

/// A claimed row. Only its fence has to be readable.
#[derive(sqlx_macros::FromRow)]
struct ClaimedRow {
    attempt: i32,
    is_reclaimed: bool,
    #[sqlx(flatten)]
    content: Tried<Content>,
}

#[derive(sqlx_macros::FromRow)]
struct Content {
    attempts_before: i32,
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

// Materialized: a planner that evaluated the limit once more for each row would claim more
// than it was asked for.
macro_rules! claim_sql {
    ($lock:literal, $is_reclaimed:literal) => {
        concat!(
            "with due as materialized (
                select id, status from inbox where due_at <= $1 order by due_at, id limit $2 ",
            $lock,
            ") update inbox set status = $3, attempt = attempt + 1, due_at = $4
             from due where inbox.id = due.id
             returning inbox.id, attempt, attempts_before, org_id, provider, route, trigger_id,
                integration_id, headers, query, body, body_codec, received_at, ",
            $is_reclaimed,
            " as is_reclaimed"
        )
    };
}

const CLAIM: ByEngine = ByEngine {
    postgres: claim_sql!("for update skip locked", "due.status = $3"),
    // SQLite's `returning` sees only the row as it is now, so these are counted beforehand.
    sqlite: claim_sql!("", "false"),
};
const COUNT_RECLAIMED: &str = "select count(*) from (
    select status from inbox where due_at <= $1 order by due_at, id limit $2) as due
    where status = $3";

impl Store {
    /// Claims up to `max` deliveries that are due, or whose lease has lapsed, for the
    /// length of `lease`. An unreadable row holds up no other.
    pub async fn claim_deliveries(
        &self,
        now: Timestamp,
        lease: Duration,
        max: usize,
    ) -> Result<Claim, StoreError> {
        let max = i64::try_from(max).unwrap_or(i64::MAX);
        let status = DeliveryStatus::Processing;
        let mut claim = Claim::default();
        let rows = self
            .write(async |tx| {
                // The next claim takes a delivery again whose claim a crash forgets, and the
                // first settlement wins.
                tx.commit_without_flush().await?;
                if let Tx::Sqlite(_) = tx {
                    let lapsed = one!(tx, scalar i64, COUNT_RECLAIMED, now, max, status)?;
                    claim.reclaimed = usize::try_from(lapsed).unwrap_or(0);
                }
                all!(tx, ClaimedRow, CLAIM, now, max, status, now + lease)
            })
            .await?;
        for row in rows {
            claim.reclaimed += usize::from(row.is_reclaimed);
            let (id, attempt) = (DeliveryId(row.content.id), row.attempt);
            let content = row.content.row.map_err(StoreError::from);
            let content = content.map_err(|error| error.in_statement(CLAIM.sqlite));
            match content.and_then(|content| content.claimed(id, attempt)) {
                Ok(delivery) => claim.deliveries.push(delivery),
                Err(error) => claim
                    .unreadable
                    .push(UnreadableDelivery { id, attempt, error }),
            }
        }
        claim
            .deliveries
            .sort_unstable_by_key(|delivery| delivery.id);
        Ok(claim)
    }

    /// The time when the next delivery is due, if any waits.
    pub async fn next_delivery_due(&self) -> Result<Option<Timestamp>, StoreError> {
        const SQL: &str =
            "select due_at from inbox where due_at is not null order by due_at limit 1";
        self.read(async |tx| optional!(tx, scalar Timestamp, SQL))
            .await
    }
}

impl Content {
    fn claimed(self, id: DeliveryId, attempt: i32) -> Result<ClaimedDelivery, StoreError> {
        Ok(ClaimedDelivery {
            id,
            attempt,
            tries: attempt - self.attempts_before,
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
