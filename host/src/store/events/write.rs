//! Writes decided events, with their runs and messages, inside a transaction.
//!
//! Deduplicated by the unique index on (trigger, key) of events that were not skipped.
//! Postgres writes any number of events with one statement; SQLite writes them one by one.

use super::draft::{Draft, RunDraft};
use crate::domain::event::SkipReason;
use crate::domain::outbox::ENQUEUE_ENRICH;
use crate::domain::{OrgId, OutboxStatus, RunStatus};
use crate::signals::Signal;
use crate::store::StoreError;
use crate::store::db::{Column, InsertNew, Tx, arrays, bind_all, columns, insert, names, within};
use sqlx::postgres::PgArguments;
use std::collections::HashSet;
use std::sync::LazyLock;
use uuid::Uuid;

/// The columns of `events` that are written when an event is new.
fn event_columns<'d, 'a>() -> [Column<&'d Draft<'a>>; 19] {
    columns!(&'d Draft<'a> {
        id: uuid = |d| d.id.0,
        delivery_id: uuid = |d| d.delivery.map(|id| id.0),
        org_id: text = |d| d.decided.org.as_str(),
        trigger_id: uuid = |d| d.decided.trigger.0,
        automation_id: uuid = |d| d.decided.automation.0,
        status: text = |d| d.status().as_str(),
        kind: text = |d| d.decided.event.kind.as_str(),
        dedup_key: text = |d| d.decided.event.dedup_key.as_str(),
        holds_key: bool = |d| d.run.is_some(),
        title: text = |d| d.decided.event.title.as_str(),
        url: text = |d| d.decided.event.url.as_deref(),
        actor: text = |d| d.decided.event.actor.as_deref(),
        occurred_at: int8 = |d| d.decided.event.occurred_at.map(|at| at.0),
        facts: text = |d| d.decided.event.facts.as_str(),
        skip_reason: text = |d| d.skip_reason().map(SkipReason::as_str),
        skip_detail: text = |d| d.skip_detail(),
        replay_of: uuid = |d| d.replay_of.map(|id| id.0),
        processed_at: int8 = |d| d.processed_at().map(|at| at.0),
        created_at: int8 = |d| d.created_at.0,
    })
}

/// A run that is handed over, with the event that started it.
pub(in crate::store) struct Started<'d, 'a> {
    draft: &'d Draft<'a>,
    run: &'d RunDraft,
}

/// Runs and their messages: both take the rest of their columns from the event.
fn run_columns<'d, 'a>() -> [Column<Started<'d, 'a>>; 3] {
    columns!(Started<'d, 'a> {
        id: uuid = |s| s.run.id.0,
        event_id: uuid = |s| s.draft.id.0,
        payload: text = |s| s.run.payload.as_str(),
    })
}

/// The unique index that deduplicates.
const KEY: &str = "(trigger_id, dedup_key) where holds_key";

/// Two transactions that write the same keys in different orders would wait for each other,
/// until the database ended one of them.
pub(in crate::store) fn in_write_order(mut drafts: Vec<Draft<'_>>) -> Vec<Draft<'_>> {
    drafts.sort_by_key(|draft| (draft.decided.trigger, &draft.decided.event.dedup_key));
    drafts
}

/// Writes drafts, which are in write order; the ids of those that were new.
pub(in crate::store) async fn write<'d, 'a: 'd>(
    tx: &mut Tx<'_>,
    drafts: impl IntoIterator<Item = &'d Draft<'a>>,
) -> Result<HashSet<Uuid>, StoreError> {
    let drafts: Vec<&Draft> = drafts.into_iter().collect();
    if let Tx::Postgres(postgres) = tx {
        static SQL: LazyLock<String> =
            LazyLock::new(|| write_sql("", "", "written.id from written"));
        let mut arguments = PgArguments::default();
        bind(&mut arguments, &drafts)?;
        let write = sqlx::query_scalar_with(SQL.as_str(), arguments);
        let written: Vec<Uuid> = within(
            postgres.answer_max,
            write.fetch_all(&mut *postgres.connection),
        )
        .await?;
        let written = written.into_iter().collect();
        announce(
            tx,
            drafts
                .into_iter()
                .filter(|draft| starts_run(draft, &written)),
        );
        return Ok(written);
    }
    static EVENTS: LazyLock<InsertNew> =
        LazyLock::new(|| InsertNew::into("events", &event_columns(), KEY));
    let written: HashSet<Uuid> = EVENTS
        .run(tx, &event_columns(), &drafts)
        .await?
        .into_iter()
        .collect();
    for Started { draft, run } in started(&drafts) {
        if written.contains(&draft.id.0) {
            hand_over(tx, draft, run).await?;
        }
    }
    announce(
        tx,
        drafts
            .into_iter()
            .filter(|draft| starts_run(draft, &written)),
    );
    Ok(written)
}

/// True if a draft is among the events that were written, and has a run.
pub(in crate::store) fn starts_run(draft: &Draft<'_>, written: &HashSet<Uuid>) -> bool {
    draft.run.is_some() && written.contains(&draft.id.0)
}

/// Wakes, after the commit, whoever hands over or consumes the runs of these drafts.
pub(in crate::store) fn announce<'d, 'a: 'd>(
    tx: &mut Tx<'_>,
    drafts: impl IntoIterator<Item = &'d Draft<'a>>,
) {
    let orgs: HashSet<&OrgId> = drafts.into_iter().map(|draft| &draft.decided.org).collect();
    for org in orgs {
        tx.concerns(Signal::Outbox(org.clone()));
    }
}

/// Writes the run of an event that is new, and the message that hands it over.
async fn hand_over(tx: &mut Tx<'_>, draft: &Draft<'_>, run: &RunDraft) -> Result<(), StoreError> {
    insert!(tx, "runs" {
        id: run.id,
        event_id: draft.id,
        org_id: &draft.decided.org,
        automation_id: draft.decided.automation,
        trigger_id: draft.decided.trigger,
        status: RunStatus::Queued,
        attempt: 0,
        created_at: draft.created_at,
    })?;
    insert!(tx, "outbox" {
        id: run.id,
        run_id: run.id,
        org_id: &draft.decided.org,
        kind: ENQUEUE_ENRICH,
        payload: run.payload.as_str(),
        status: OutboxStatus::Pending,
        attempt: 0,
        due_at: draft.created_at,
        created_at: draft.created_at,
    })?;
    Ok(())
}

fn started<'d, 'a>(drafts: &[&'d Draft<'a>]) -> Vec<Started<'d, 'a>> {
    let started = drafts.iter().filter_map(|draft| {
        Some(Started {
            draft,
            run: draft.run.as_ref()?,
        })
    });
    started.collect()
}

/// The statement that writes drafts on Postgres. Its parameters are those of [`bind`].
/// `before` is a further step in front, `which` limits the drafts `e` that are written, and
/// `result` is what the statement selects. Each step sees what the step before it returned;
/// all of them run on one snapshot.
pub(in crate::store) fn write_sql(before: &str, which: &str, result: &str) -> String {
    let (events, runs) = (event_columns(), run_columns());
    let (columns, run_names) = (names(&events), names(&runs));
    let event_arrays = arrays(&events, 1);
    let attempts = events.len() + 1;
    let next = attempts + 1;
    let run_arrays = arrays(&runs, next);
    let [run_status, message_kind, message_status] = [0, 1, 2].map(|n| next + runs.len() + n);
    format!(
        "with {before} written as (
            insert into events ({columns})
            select {columns}
            from unnest({event_arrays}, ${attempts}::int4[]) with ordinality
                as e ({columns}, attempt, position)
            {which} order by position
            on conflict {KEY} do nothing
            returning id, org_id, trigger_id, automation_id, created_at
        ), started as (
            insert into runs (id, event_id, org_id, automation_id, trigger_id, status, attempt, created_at)
            select r.id, w.id, w.org_id, w.automation_id, w.trigger_id, ${run_status}, 0, w.created_at
            from unnest({run_arrays}) as r ({run_names}) join written w on w.id = r.event_id
        ), handed_over as (
            insert into outbox (id, run_id, org_id, kind, payload, status, attempt, due_at, created_at)
            select r.id, r.id, w.org_id, ${message_kind}, r.payload, ${message_status}, 0, w.created_at, w.created_at
            from unnest({run_arrays}) as r ({run_names}) join written w on w.id = r.event_id
        )
        select {result}"
    )
}

/// Binds the parameters of [`write_sql`].
pub(in crate::store) fn bind(
    arguments: &mut PgArguments,
    drafts: &[&Draft<'_>],
) -> Result<(), StoreError> {
    bind_all(arguments, &event_columns(), drafts)?;
    let attempts: Vec<Option<i32>> = drafts.iter().map(|draft| draft.attempt).collect();
    sqlx::Arguments::add(arguments, attempts).map_err(sqlx::Error::Encode)?;
    bind_all(arguments, &run_columns(), &started(drafts))?;
    for constant in CONSTANTS {
        sqlx::Arguments::add(arguments, constant).map_err(sqlx::Error::Encode)?;
    }
    Ok(())
}

/// The status of a new run, and the kind and the status of its message.
const CONSTANTS: [&str; 3] = [
    RunStatus::Queued.as_str(),
    ENQUEUE_ENRICH,
    OutboxStatus::Pending.as_str(),
];

/// The number of parameters that [`bind`] binds.
pub(in crate::store) fn parameters() -> usize {
    event_columns().len() + 1 + run_columns().len() + CONSTANTS.len()
}
