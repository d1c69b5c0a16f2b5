//! A settlement on Postgres: one statement, one round trip.

use super::{Draft, RunDraft, Settlement};
use crate::domain::event::SkipReason;
use crate::domain::outbox::ENQUEUE_ENRICH;
use crate::domain::{DeliveryStatus, OutboxStatus, RunStatus, Timestamp};
use crate::store::StoreError;
use sqlx::PgPool;
use std::collections::HashSet;
use uuid::Uuid;

/// Each step sees what the step before returned; Postgres runs all of them on one
/// snapshot, in one transaction.
pub(super) async fn settle(
    pool: &PgPool,
    settlements: &[Settlement],
    drafts: &[Draft<'_>],
    now: Timestamp,
) -> Result<(HashSet<Uuid>, HashSet<Uuid>), StoreError> {
    const SQL: &str = "
        with settled as (
            update inbox set status = s.status, outcome = s.outcome, error = s.error,
                due_at = s.due_at, processed_at = s.processed_at,
                org_id = coalesce(inbox.org_id, s.org_id),
                integration_id = coalesce(inbox.integration_id, s.integration_id),
                provider = coalesce(s.provider, inbox.provider)
            from unnest($1::uuid[], $2::int4[], $3::text[], $4::text[], $5::text[], $6::int8[],
                $7::int8[], $8::text[], $9::uuid[], $35::text[])
                as s (id, attempt, status, outcome, error, due_at, processed_at, org_id,
                    integration_id, provider)
            where inbox.id = s.id and inbox.attempt = s.attempt and inbox.status = $10
            returning inbox.id
        ), written as (
            insert into events (id, delivery_id, org_id, trigger_id, automation_id, status, kind,
                dedup_key, holds_key, title, url, actor, occurred_at, facts, skip_reason,
                skip_detail, processed_at, created_at)
            select id, delivery_id, org_id, trigger_id, automation_id, status, kind,
                dedup_key, holds_key, title, url, actor, occurred_at, facts, skip_reason,
                skip_detail, processed_at, $28
            from unnest($11::uuid[], $12::uuid[], $13::text[], $14::uuid[], $15::uuid[],
                $16::text[], $17::text[], $18::text[], $19::bool[], $20::text[], $21::text[],
                $22::text[], $23::int8[], $24::text[], $25::text[], $26::text[], $27::int8[])
                with ordinality as e (id, delivery_id, org_id, trigger_id, automation_id, status, kind, dedup_key,
                    holds_key, title, url, actor, occurred_at, facts, skip_reason, skip_detail,
                    processed_at, position)
            where e.delivery_id in (select id from settled)
            order by position
            on conflict (trigger_id, dedup_key) where holds_key do nothing
            returning id, org_id, trigger_id, automation_id
        ), started as (
            insert into runs (id, event_id, org_id, automation_id, trigger_id, status, attempt, created_at)
            select r.id, w.id, w.org_id, w.automation_id, w.trigger_id, $32, 0, $28
            from unnest($29::uuid[], $30::uuid[], $31::text[]) as r (id, event_id, payload)
                join written w on w.id = r.event_id
        ), handed_over as (
            insert into outbox (id, run_id, org_id, kind, payload, status, attempt, due_at, created_at)
            select r.id, r.id, w.org_id, $33, r.payload, $34, 0, $28, $28
            from unnest($29::uuid[], $30::uuid[], $31::text[]) as r (id, event_id, payload)
                join written w on w.id = r.event_id
        )
        select array(select id from settled), array(select id from written)";
    fn column<'a, R, T>(rows: &'a [R], get: impl Fn(&'a R) -> T) -> Vec<T> {
        rows.iter().map(get).collect()
    }
    let runs: Vec<(&Draft, &RunDraft)> = drafts
        .iter()
        .filter_map(|draft| Some((draft, draft.run.as_ref()?)))
        .collect();
    let (deliveries, events): (Vec<Uuid>, Vec<Uuid>) = sqlx::query_as(SQL)
        .bind(column(settlements, |s| s.delivery.0))
        .bind(column(settlements, |s| s.attempt))
        .bind(column(settlements, |s| s.status().as_str()))
        .bind(column(settlements, Settlement::outcome))
        .bind(column(settlements, Settlement::error))
        .bind(column(settlements, Settlement::due_at))
        .bind(column(settlements, |s| s.processed_at(now)))
        .bind(column(settlements, |s| {
            s.owner.as_ref().map(|owner| owner.org.as_str())
        }))
        .bind(column(settlements, |s| {
            s.owner.as_ref().map(|owner| owner.integration.0)
        }))
        .bind(DeliveryStatus::Processing.as_str())
        .bind(column(drafts, |d| d.id.0))
        .bind(column(drafts, |d| d.delivery.map(|id| id.0)))
        .bind(column(drafts, |d| d.decided.org.as_str()))
        .bind(column(drafts, |d| d.decided.trigger.0))
        .bind(column(drafts, |d| d.decided.automation.0))
        .bind(column(drafts, |d| d.status().as_str()))
        .bind(column(drafts, |d| d.decided.event.kind.as_str()))
        .bind(column(drafts, |d| d.decided.event.dedup_key.as_str()))
        .bind(column(drafts, |d| d.run.is_some()))
        .bind(column(drafts, |d| d.decided.event.title.as_str()))
        .bind(column(drafts, |d| d.decided.event.url.as_deref()))
        .bind(column(drafts, |d| d.decided.event.actor.as_deref()))
        .bind(column(drafts, |d| {
            d.decided.event.occurred_at.map(|at| at.0)
        }))
        .bind(column(drafts, |d| d.decided.event.facts.as_str()))
        .bind(column(drafts, |d| d.skip().0.map(SkipReason::as_str)))
        .bind(column(drafts, |d| d.skip().1))
        .bind(column(drafts, |d| d.processed_at(now)))
        .bind(now.0)
        .bind(column(&runs, |(_, run)| run.id.0))
        .bind(column(&runs, |(draft, _)| draft.id.0))
        .bind(column(&runs, |(_, run)| run.payload.as_str()))
        .bind(RunStatus::Queued.as_str())
        .bind(ENQUEUE_ENRICH)
        .bind(OutboxStatus::Pending.as_str())
        .bind(column(settlements, |s| {
            s.owner.as_ref().map(|owner| owner.provider.as_str())
        }))
        .fetch_one(pool)
        .await?;
    Ok((
        deliveries.into_iter().collect(),
        events.into_iter().collect(),
    ))
}
