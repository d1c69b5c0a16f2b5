//! A settlement on SQLite: prepared statements in a loop, which cost a call each
//! and no round trip.

use super::rows::insert_draft;
use super::{Draft, Settlement, WriteDrafts};
use crate::domain::{DeliveryStatus, Timestamp};
use crate::store::StoreError;
use crate::store::pool::Sqlite;
use sqlx::SqliteConnection;
use std::collections::HashSet;
use uuid::Uuid;

pub(super) async fn settle(
    sqlite: &Sqlite,
    settlements: &[Settlement],
    drafts: &[Draft<'_>],
    now: Timestamp,
) -> Result<(HashSet<Uuid>, HashSet<Uuid>), StoreError> {
    let mut tx = sqlite.write.begin_with("begin immediate").await?;
    let mut deliveries = HashSet::new();
    for settlement in settlements {
        if settle_delivery(&mut tx, settlement, now).await? {
            deliveries.insert(settlement.delivery.0);
        }
    }
    let held: Vec<&Draft> = drafts
        .iter()
        .filter(|draft| draft.delivery.is_some_and(|id| deliveries.contains(&id.0)))
        .collect();
    let events = insert(&mut tx, &held, now).await?;
    tx.commit().await?;
    Ok((deliveries, events))
}

async fn insert(
    connection: &mut SqliteConnection,
    drafts: &[&Draft<'_>],
    now: Timestamp,
) -> Result<HashSet<Uuid>, StoreError> {
    let mut events = HashSet::new();
    let connection = &mut &mut *connection;
    for draft in drafts {
        if insert_draft!(connection, *draft, now) {
            events.insert(draft.id.0);
        }
    }
    Ok(events)
}

impl WriteDrafts for SqliteConnection {
    async fn write_drafts(
        &mut self,
        drafts: &[Draft<'_>],
        now: Timestamp,
    ) -> Result<HashSet<Uuid>, StoreError> {
        let drafts: Vec<&Draft> = drafts.iter().collect();
        insert(self, &drafts, now).await
    }
}

async fn settle_delivery(
    connection: &mut SqliteConnection,
    settlement: &Settlement,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let owner = settlement.owner.as_ref();
    let done = sqlx::query(
        "update inbox set status = $3, outcome = $4, error = $5, due_at = $6, processed_at = $7,
            org_id = coalesce(org_id, $8), integration_id = coalesce(integration_id, $9),
            provider = coalesce($10, provider)
         where id = $1 and attempt = $2 and status = $11",
    )
    .bind(settlement.delivery.0)
    .bind(settlement.attempt)
    .bind(settlement.status().as_str())
    .bind(settlement.outcome())
    .bind(settlement.error())
    .bind(settlement.due_at())
    .bind(settlement.processed_at(now))
    .bind(owner.map(|owner| owner.org.as_str()))
    .bind(owner.map(|owner| owner.integration.0))
    .bind(owner.map(|owner| owner.provider.as_str()))
    .bind(DeliveryStatus::Processing.as_str())
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}
