//! A settlement on SQLite: prepared statements in a loop, which cost a call each
//! and no round trip.

use super::{Draft, RunDraft, Settlement};
use crate::domain::event::SkipReason;
use crate::domain::outbox::ENQUEUE_ENRICH;
use crate::domain::{DeliveryStatus, OutboxStatus, RunStatus, Timestamp};
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
    let mut events = HashSet::new();
    for draft in drafts
        .iter()
        .filter(|draft| deliveries.contains(&draft.delivery.0))
    {
        if !insert_event(&mut tx, draft, now).await? {
            continue;
        }
        events.insert(draft.id.0);
        if let Some(run) = &draft.run {
            insert_run(&mut tx, draft, run, now).await?;
        }
    }
    tx.commit().await?;
    Ok((deliveries, events))
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

async fn insert_event(
    connection: &mut SqliteConnection,
    draft: &Draft<'_>,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let event = &draft.decided.event;
    let (skip_reason, skip_detail) = draft.skip();
    let done = sqlx::query(
        "insert into events (id, delivery_id, org_id, trigger_id, automation_id, status, kind,
            dedup_key, holds_key, title, url, actor, occurred_at, facts, skip_reason,
            skip_detail, processed_at, created_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)
         on conflict (trigger_id, dedup_key) where holds_key do nothing",
    )
    .bind(draft.id.0)
    .bind(draft.delivery.0)
    .bind(draft.decided.org.as_str())
    .bind(draft.decided.trigger.0)
    .bind(draft.decided.automation.0)
    .bind(draft.status().as_str())
    .bind(event.kind.as_str())
    .bind(event.dedup_key.as_str())
    .bind(draft.run.is_some())
    .bind(event.title.as_str())
    .bind(event.url.as_deref())
    .bind(event.actor.as_deref())
    .bind(event.occurred_at.map(|at| at.0))
    .bind(event.facts.as_str())
    .bind(skip_reason.map(SkipReason::as_str))
    .bind(skip_detail)
    .bind(draft.processed_at(now))
    .bind(now.0)
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

async fn insert_run(
    connection: &mut SqliteConnection,
    draft: &Draft<'_>,
    run: &RunDraft,
    now: Timestamp,
) -> Result<(), StoreError> {
    let decided = draft.decided;
    sqlx::query(
        "insert into runs (id, event_id, org_id, automation_id, trigger_id, status, attempt, created_at)
         values ($1, $2, $3, $4, $5, $6, 0, $7)",
    )
    .bind(run.id.0)
    .bind(draft.id.0)
    .bind(decided.org.as_str())
    .bind(decided.automation.0)
    .bind(decided.trigger.0)
    .bind(RunStatus::Queued.as_str())
    .bind(now.0)
    .execute(&mut *connection)
    .await?;
    sqlx::query(
        "insert into outbox (id, run_id, org_id, kind, payload, status, attempt, due_at, created_at)
         values ($1, $1, $2, $3, $4, $5, 0, $6, $6)",
    )
    .bind(run.id.0)
    .bind(decided.org.as_str())
    .bind(ENQUEUE_ENRICH)
    .bind(run.payload.as_str())
    .bind(OutboxStatus::Pending.as_str())
    .bind(now.0)
    .execute(connection)
    .await?;
    Ok(())
}
