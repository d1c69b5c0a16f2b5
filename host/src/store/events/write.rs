//! Writes decided events, with their runs and messages, inside a transaction.
//!
//! Deduplicated by the unique index on (trigger, key) of events that were not skipped.
//! Postgres writes any number of events with one statement; SQLite writes them one by one.
//! An event crosses to the database once, however many triggers see it.

use super::draft::{Draft, NO_FACTS, RunDraft};
use crate::domain::event::{ParsedEvent, SkipReason};
use crate::domain::outbox::ENQUEUE_ENRICH;
use crate::domain::{OrgId, OutboxStatus, RunStatus};
use crate::signals::Signal;
use crate::store::StoreError;
use crate::store::db::{
    Column, InsertNew, Tx, arrays, bind_all, columns, exec, insert, names, within,
};
use crate::store::outbox::due;
use sqlx::postgres::PgArguments;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, LazyLock};
use uuid::Uuid;

/// The columns of `events` that each draft has for itself.
fn draft_columns<'d, 'a>() -> [Column<&'d Draft<'a>>; 13] {
    columns!(&'d Draft<'a> {
        id: uuid = |d| d.id.0,
        delivery_id: uuid = |d| d.delivery.map(|id| id.0),
        org_id: text = |d| d.decided.org.as_str(),
        trigger_id: uuid = |d| d.decided.trigger.0,
        automation_id: uuid = |d| d.decided.automation.0,
        status: text = |d| d.status().as_str(),
        holds_key: bool = |d| d.run.is_some(),
        facts_id: uuid = |d| d.facts_id,
        skip_reason: text = |d| d.skip_reason().map(SkipReason::as_str),
        skip_detail: text = |d| d.skip_detail(),
        replay_of: uuid = |d| d.replay_of.map(|id| id.0),
        processed_at: int8 = |d| d.processed_at().map(|at| at.0),
        created_at: int8 = |d| d.created_at.0,
    })
}

/// The columns of `events` that all drafts of an event have in common, except for its facts.
fn event_columns<'d, 'a>() -> [Column<&'d Draft<'a>>; 6] {
    columns!(&'d Draft<'a> {
        kind: text = |d| d.decided.event.kind.as_str(),
        dedup_key: text = |d| d.decided.event.dedup_key.as_str(),
        title: text = |d| d.decided.event.title.as_str(),
        url: text = |d| d.decided.event.url.as_deref(),
        actor: text = |d| d.decided.event.actor.as_deref(),
        occurred_at: int8 = |d| d.decided.event.occurred_at.map(|at| at.0),
    })
}

/// The facts, which cross to Postgres once per event.
fn facts_column<'d, 'a>() -> [Column<&'d Draft<'a>>; 1] {
    columns!(&'d Draft<'a> {
        facts: text = |d| d.decided.event.facts.as_str(),
    })
}

/// A row of `events` on SQLite.
fn whole_columns<'d, 'a>() -> Vec<Column<&'d Draft<'a>>> {
    let facts = columns!(&'d Draft<'a> {
        facts: text = |d| d.own_facts(),
    });
    let columns = draft_columns().into_iter().chain(event_columns());
    columns.chain(facts).collect()
}

/// A run that is handed over, with the event that started it.
pub(in crate::store) struct Started<'d, 'a> {
    draft: &'d Draft<'a>,
    run: &'d RunDraft,
}

/// Runs and their messages: both take the rest of their columns from the event.
fn run_columns<'d, 'a>() -> [Column<Started<'d, 'a>>; 4] {
    columns!(Started<'d, 'a> {
        id: uuid = |s| s.run.id.0,
        event_id: uuid = |s| s.draft.id.0,
        payload: text = |s| s.run.payload.as_str(),
        due_at: int8 = |s| due::at_once(s.draft.created_at).0,
    })
}

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
    if drafts.is_empty() {
        return Ok(HashSet::new());
    }
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
        LazyLock::new(|| InsertNew::into("events", &whole_columns(), ""));
    let written: HashSet<Uuid> = EVENTS
        .run(tx, &whole_columns(), &drafts)
        .await?
        .into_iter()
        .collect();
    let new: Vec<&Draft> = drafts
        .iter()
        .copied()
        .filter(|draft| written.contains(&draft.id.0))
        .collect();
    for Shared { id, draft, .. } in shared(&new) {
        exec!(
            tx,
            "insert into shared_facts (id, facts, created_at) values ($1, $2, $3)
             on conflict (id) do update set created_at = excluded.created_at",
            id,
            draft.decided.event.facts.as_str(),
            draft.created_at,
        )?;
    }
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

/// After the commit, wakes dispatchers and consumers of the runs of these drafts.
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
        due_at: due::at_once(draft.created_at),
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

/// A distinct event of a batch, by its first draft, and the number by which drafts refer to
/// it.
#[derive(Default)]
struct Events<'d, 'a> {
    first: Vec<&'d Draft<'a>>,
    numbers: Vec<i64>,
}

impl<'d, 'a> Events<'d, 'a> {
    fn of(drafts: &[&'d Draft<'a>]) -> Self {
        let mut events = Self::default();
        let mut known: HashMap<*const ParsedEvent, i64> = HashMap::new();
        for draft in drafts.iter().copied() {
            let number = *known
                .entry(Arc::as_ptr(&draft.decided.event))
                .or_insert_with(|| {
                    events.first.push(draft);
                    i64::try_from(events.first.len()).unwrap_or(i64::MAX)
                });
            events.numbers.push(number);
        }
        events
    }
}

/// Facts that several drafts have in common.
struct Shared<'d, 'a> {
    id: Uuid,
    draft: &'d Draft<'a>,
    /// The place of the draft.
    index: usize,
}

fn shared<'d, 'a>(drafts: &[&'d Draft<'a>]) -> Vec<Shared<'d, 'a>> {
    let mut known = HashSet::new();
    let drafts = drafts.iter().copied().enumerate();
    let shared = drafts.filter_map(|(index, draft)| {
        let id = draft.facts_id?;
        known.insert(id).then_some(Shared { id, draft, index })
    });
    shared.collect()
}

/// The statement that writes drafts on Postgres. Its parameters are those of [`bind`].
/// `before` is a further step in front, `which` limits the drafts `d` that are written, and
/// `result` is what the statement selects. Each step sees what the step before it returned;
/// all of them run on one snapshot.
pub(in crate::store) fn write_sql(before: &str, which: &str, result: &str) -> String {
    let (drafts, events, facts, runs) = (
        draft_columns(),
        event_columns(),
        facts_column(),
        run_columns(),
    );
    let (draft_names, event_names, run_names) = (names(&drafts), names(&events), names(&runs));
    let mut next = 1;
    let mut take = |count: usize| {
        next += count;
        next - count
    };
    let draft_arrays = arrays(&drafts, take(drafts.len()));
    let [attempts, numbers] = [take(1), take(1)];
    let event_arrays = arrays(&events, take(events.len()));
    let fact_arrays = arrays(&facts, take(facts.len()));
    let run_arrays = arrays(&runs, take(runs.len()));
    let [shared_ids, shared_events, shared_at] = [take(1), take(1), take(1)];
    let [run_status, message_kind, message_status] = [take(1), take(1), take(1)];
    format!(
        "with {before} written as (
            insert into events ({draft_names}, {event_names}, facts)
            select {draft_names}, {event_names},
                case when d.facts_id is null then e.facts else '{NO_FACTS}' end
            from unnest({draft_arrays}, ${attempts}::int4[], ${numbers}::int8[]) with ordinality
                    as d ({draft_names}, attempt, event, position)
                join unnest({event_arrays}, {fact_arrays}) with ordinality
                    as e ({event_names}, facts, number) on e.number = d.event
            {which} order by d.position
            on conflict do nothing
            returning id, org_id, trigger_id, automation_id, facts_id, created_at
        ), started as (
            insert into runs (id, event_id, org_id, automation_id, trigger_id, status, attempt, created_at)
            select r.id, w.id, w.org_id, w.automation_id, w.trigger_id, ${run_status}, 0, w.created_at
            from unnest({run_arrays}) as r ({run_names}) join written w on w.id = r.event_id
        ), handed_over as (
            insert into outbox (id, run_id, org_id, kind, payload, status, attempt, due_at, created_at)
            select r.id, r.id, w.org_id, ${message_kind}, r.payload, ${message_status}, 0, r.due_at, w.created_at
            from unnest({run_arrays}) as r ({run_names}) join written w on w.id = r.event_id
        ), shared as (
            insert into shared_facts (id, facts, created_at)
            select s.id, e.facts, ${shared_at}
            from unnest(${shared_ids}::uuid[], ${shared_events}::int8[]) as s (id, event)
                join unnest({fact_arrays}) with ordinality as e (facts, number)
                    on e.number = s.event
            where s.id in (select w.facts_id from written w)
            on conflict (id) do update set created_at = excluded.created_at
        )
        select {result}"
    )
}

/// Binds the parameters of [`write_sql`].
pub(in crate::store) fn bind(
    arguments: &mut PgArguments,
    drafts: &[&Draft<'_>],
) -> Result<(), StoreError> {
    let events = Events::of(drafts);
    bind_all(arguments, &draft_columns(), drafts)?;
    let attempts: Vec<Option<i32>> = drafts.iter().map(|draft| draft.attempt).collect();
    add(arguments, attempts)?;
    add(arguments, events.numbers.as_slice())?;
    bind_all(arguments, &event_columns(), &events.first)?;
    bind_all(arguments, &facts_column(), &events.first)?;
    bind_all(arguments, &run_columns(), &started(drafts))?;
    let shared = shared(drafts);
    let shared_ids: Vec<Uuid> = shared.iter().map(|shared| shared.id).collect();
    let shared_events: Vec<i64> = shared
        .iter()
        .map(|shared| events.numbers[shared.index])
        .collect();
    add(arguments, shared_ids)?;
    add(arguments, shared_events)?;
    add(arguments, drafts.first().map(|draft| draft.created_at.0))?;
    for constant in CONSTANTS {
        add(arguments, constant)?;
    }
    Ok(())
}

fn add<'q, T>(arguments: &mut PgArguments, value: T) -> Result<(), sqlx::Error>
where
    T: sqlx::Encode<'q, sqlx::Postgres> + sqlx::Type<sqlx::Postgres>,
{
    sqlx::Arguments::add(arguments, value).map_err(sqlx::Error::Encode)
}

/// The status of a new run, and the kind and the status of its message.
const CONSTANTS: [&str; 3] = [
    RunStatus::Queued.as_str(),
    ENQUEUE_ENRICH,
    OutboxStatus::Pending.as_str(),
];

/// The arrays of drafts and events that have no column: attempts and numbers of events; ids
/// and events of shared facts, and their time.
const OTHERS: usize = 2 + 3;

/// The number of parameters that [`bind`] binds.
pub(in crate::store) fn parameters() -> usize {
    let columns = draft_columns().len() + event_columns().len() + facts_column().len();
    columns + run_columns().len() + OTHERS + CONSTANTS.len()
}
