//! A settlement on Postgres: one statement, one round trip, for whatever number of
//! events.

use super::{Draft, RunDraft, Settlement, WriteDrafts};
use crate::domain::event::SkipReason;
use crate::domain::outbox::ENQUEUE_ENRICH;
use crate::domain::{DeliveryStatus, OutboxStatus, RunStatus, Timestamp};
use crate::store::StoreError;
use sqlx::PgConnection;
use std::collections::HashSet;
use uuid::Uuid;

/// The rest of a statement that has the drafts as `e` and their runs as `r`, in $1 to
/// $24: `$written` says which drafts are written.
macro_rules! write_sql {
    ($before:literal, $which:literal, $result:literal) => {
        concat!(
            "with ",
            $before,
            "written as (
                insert into events (id, delivery_id, org_id, trigger_id, automation_id, status, kind,
                    dedup_key, holds_key, title, url, actor, occurred_at, facts, skip_reason,
                    skip_detail, processed_at, created_at)
                select id, delivery_id, org_id, trigger_id, automation_id, status, kind,
                    dedup_key, holds_key, title, url, actor, occurred_at, facts, skip_reason,
                    skip_detail, processed_at, $18
                from unnest($1::uuid[], $2::uuid[], $3::text[], $4::uuid[], $5::uuid[],
                    $6::text[], $7::text[], $8::text[], $9::bool[], $10::text[], $11::text[],
                    $12::text[], $13::int8[], $14::text[], $15::text[], $16::text[], $17::int8[])
                    with ordinality as e (id, delivery_id, org_id, trigger_id, automation_id, status,
                        kind, dedup_key, holds_key, title, url, actor, occurred_at, facts,
                        skip_reason, skip_detail, processed_at, position) ",
            $which,
            "order by position
                on conflict (trigger_id, dedup_key) where holds_key do nothing
                returning id, org_id, trigger_id, automation_id
            ), started as (
                insert into runs (id, event_id, org_id, automation_id, trigger_id, status, attempt, created_at)
                select r.id, w.id, w.org_id, w.automation_id, w.trigger_id, $22, 0, $18
                from unnest($19::uuid[], $20::uuid[], $21::text[]) as r (id, event_id, payload)
                    join written w on w.id = r.event_id
            ), handed_over as (
                insert into outbox (id, run_id, org_id, kind, payload, status, attempt, due_at, created_at)
                select r.id, r.id, w.org_id, $23, r.payload, $24, 0, $18, $18
                from unnest($19::uuid[], $20::uuid[], $21::text[]) as r (id, event_id, payload)
                    join written w on w.id = r.event_id
            )
            select ",
            $result
        )
    };
}

/// Binds $1 to $24.
macro_rules! bind_drafts {
    ($query:expr, $drafts:expr, $now:expr) => {{
        let drafts: &[Draft<'_>] = $drafts;
        let runs: Vec<(&Draft, &RunDraft)> = drafts
            .iter()
            .filter_map(|draft| Some((draft, draft.run.as_ref()?)))
            .collect();
        $query
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
            .bind(column(drafts, |d| d.processed_at($now)))
            .bind($now.0)
            .bind(column(&runs, |(_, run)| run.id.0))
            .bind(column(&runs, |(draft, _)| draft.id.0))
            .bind(column(&runs, |(_, run)| run.payload.as_str()))
            .bind(RunStatus::Queued.as_str())
            .bind(ENQUEUE_ENRICH)
            .bind(OutboxStatus::Pending.as_str())
    }};
}

fn column<'a, R, T>(rows: &'a [R], get: impl Fn(&'a R) -> T) -> Vec<T> {
    rows.iter().map(get).collect()
}

/// Each step sees what the step before returned; Postgres runs all of them on one
/// snapshot, in one transaction.
pub(super) async fn settle(
    connection: &mut PgConnection,
    settlements: &[Settlement],
    drafts: &[Draft<'_>],
    now: Timestamp,
) -> Result<(HashSet<Uuid>, HashSet<Uuid>), StoreError> {
    const SQL: &str = write_sql!(
        "settled as (
            update inbox set status = s.status, outcome = s.outcome, error = s.error,
                due_at = s.due_at, processed_at = s.processed_at,
                org_id = coalesce(inbox.org_id, s.org_id),
                integration_id = coalesce(inbox.integration_id, s.integration_id),
                provider = coalesce(s.provider, inbox.provider)
            from unnest($25::uuid[], $26::int4[], $27::text[], $28::text[], $29::text[], $30::int8[],
                $31::int8[], $32::text[], $33::uuid[], $34::text[])
                as s (id, attempt, status, outcome, error, due_at, processed_at, org_id,
                    integration_id, provider)
            where inbox.id = s.id and inbox.attempt = s.attempt and inbox.status = $35
            returning inbox.id
        ), ",
        "where e.delivery_id in (select id from settled) ",
        "array(select id from settled), array(select id from written)"
    );
    let query = bind_drafts!(sqlx::query_as(SQL), drafts, now)
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
        .bind(column(settlements, |s| {
            s.owner.as_ref().map(|owner| owner.provider.as_str())
        }))
        .bind(DeliveryStatus::Processing.as_str());
    let (deliveries, events): (Vec<Uuid>, Vec<Uuid>) = query.fetch_one(connection).await?;
    Ok((
        deliveries.into_iter().collect(),
        events.into_iter().collect(),
    ))
}

impl WriteDrafts for PgConnection {
    async fn write_drafts(
        &mut self,
        drafts: &[Draft<'_>],
        now: Timestamp,
    ) -> Result<HashSet<Uuid>, StoreError> {
        const SQL: &str = write_sql!("", "", "array(select id from written)");
        let query = bind_drafts!(sqlx::query_scalar(SQL), drafts, now);
        let events: Vec<Uuid> = query.fetch_one(self).await?;
        Ok(events.into_iter().collect())
    }
}
