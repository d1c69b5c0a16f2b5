//! One decided event at a time, with its run and its message: what SQLite does for a
//! batch, and both databases for the few events that come without a delivery.

/// Writes a draft in the transaction `$tx`; whether it was new.
macro_rules! insert_draft {
    ($tx:ident, $draft:expr, $now:expr) => {{
        let draft: &$crate::store::settle::Draft<'_> = $draft;
        let (decided, event) = (draft.decided, &draft.decided.event);
        let (skip_reason, skip_detail) = draft.skip();
        let done = sqlx::query(
            "insert into events (id, delivery_id, org_id, trigger_id, automation_id, status, kind,
                dedup_key, holds_key, title, url, actor, occurred_at, facts, skip_reason,
                skip_detail, processed_at, created_at)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)
             on conflict (trigger_id, dedup_key) where holds_key do nothing",
        )
        .bind(draft.id.0)
        .bind(draft.delivery.map(|id| id.0))
        .bind(decided.org.as_str())
        .bind(decided.trigger.0)
        .bind(decided.automation.0)
        .bind(draft.status().as_str())
        .bind(event.kind.as_str())
        .bind(event.dedup_key.as_str())
        .bind(draft.run.is_some())
        .bind(event.title.as_str())
        .bind(event.url.as_deref())
        .bind(event.actor.as_deref())
        .bind(event.occurred_at.map(|at| at.0))
        .bind(event.facts.as_str())
        .bind(skip_reason.map($crate::domain::event::SkipReason::as_str))
        .bind(skip_detail)
        .bind(draft.processed_at($now))
        .bind($now.0)
        .execute(&mut **$tx)
        .await?;
        let is_new = done.rows_affected() == 1;
        if is_new && let Some(run) = &draft.run {
            sqlx::query(
                "insert into runs (id, event_id, org_id, automation_id, trigger_id, status, attempt, created_at)
                 values ($1, $2, $3, $4, $5, $6, 0, $7)",
            )
            .bind(run.id.0)
            .bind(draft.id.0)
            .bind(decided.org.as_str())
            .bind(decided.automation.0)
            .bind(decided.trigger.0)
            .bind($crate::domain::RunStatus::Queued.as_str())
            .bind($now.0)
            .execute(&mut **$tx)
            .await?;
            sqlx::query(
                "insert into outbox (id, run_id, org_id, kind, payload, status, attempt, due_at, created_at)
                 values ($1, $1, $2, $3, $4, $5, 0, $6, $6)",
            )
            .bind(run.id.0)
            .bind(decided.org.as_str())
            .bind($crate::domain::outbox::ENQUEUE_ENRICH)
            .bind(run.payload.as_str())
            .bind($crate::domain::OutboxStatus::Pending.as_str())
            .bind($now.0)
            .execute(&mut **$tx)
            .await?;
        }
        is_new
    }};
}

pub(in crate::store) use insert_draft;
