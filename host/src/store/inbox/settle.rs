//! Settles a batch of claimed deliveries in one transaction: events, runs, messages, the
//! end of the queue's rows, and the result in the archive.
//!
//! Fenced: a delivery that another worker has claimed since is left alone, and so are its
//! events.

use super::settlement::Settlement;
use crate::domain::{DeliveryId, DeliveryStatus, Timestamp};
use crate::measure;
use crate::store::db::{Column, Tx, arrays, bind_all, bind_one, columns, names, within};
use crate::store::events::draft::{self, Draft};
use crate::store::events::write::{self, in_write_order};
use crate::store::{Store, StoreError};
use sqlx::postgres::PgArguments;
use sqlx::{Arguments as _, SqliteConnection};
use std::collections::HashSet;
use std::sync::LazyLock;
use uuid::Uuid;

/// The rows that a settlement wrote.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settled {
    /// The deliveries whose claim still held.
    pub deliveries: HashSet<DeliveryId>,
    /// Events written, skipped ones included.
    pub events: usize,
    /// Runs handed over.
    pub runs: usize,
    /// Events that their trigger had seen before.
    pub duplicates: usize,
}

/// A settlement at the time when it is written.
struct Row<'a> {
    settlement: &'a Settlement,
    now: Timestamp,
}

/// The columns of a settlement: the first two find the claim, the others change the rows.
fn columns<'a>() -> [Column<Row<'a>>; 15] {
    columns!(Row<'a> {
        id: uuid = |r| r.settlement.delivery.0,
        attempt: int4 = |r| r.settlement.attempt,
        status: text = |r| r.settlement.status().as_str(),
        ends: bool = |r| r.settlement.ends(),
        frees_key: bool = |r| r.settlement.frees_key(),
        starts_runs: bool = |r| r.settlement.starts_runs(),
        failures: int4 = |r| r.settlement.failures(),
        outcome: text = |r| r.settlement.outcome(),
        error: text = |r| r.settlement.error(),
        due_at: int8 = |r| r.settlement.due_at(),
        only_triggers: text = |r| r.settlement.only_triggers(),
        processed_at: int8 = |r| r.settlement.processed_at(r.now),
        org_id: text = |r| r.settlement.owner.as_ref().map(|owner| owner.org.as_str()),
        integration_id: uuid = |r| r.settlement.owner.as_ref().map(|owner| owner.integration.0),
        provider: text = |r| r.settlement.owner.as_ref().map(|owner| owner.provider.as_str()),
    })
}

/// The statements of a settlement for queue and archive. `s` has the settlements, and
/// `$processing` is the status of a claim that holds.
struct Steps {
    /// Removes what has ended; `id, attempt, tries, door_key` of it.
    end: String,
    /// Changes what stays; the same.
    keep: String,
    /// Writes the result into the archive; `held` has the rows of the two steps above.
    archive: &'static str,
    /// Removes the keys of what started nothing: the sender may send it again.
    free: &'static str,
}

fn steps(source: &str, processing: usize) -> Steps {
    let claim = format!("q.id = s.id and q.attempt = s.attempt and q.status = ${processing}");
    let held = "q.id, q.attempt, q.tries, q.door_key";
    Steps {
        end: format!(
            "delete from inbox_queue as q using {source} where {claim} and s.ends returning {held}"
        ),
        keep: format!(
            "update inbox_queue as q set status = s.status, worker = null, due_at = s.due_at,
                suspect = false, begun = false, tries = q.tries + s.failures, error = s.error,
                only_triggers = coalesce(s.only_triggers, q.only_triggers),
                org_id = coalesce(q.org_id, s.org_id),
                integration_id = coalesce(q.integration_id, s.integration_id)
             from {source} where {claim} and not s.ends returning {held}"
        ),
        archive: "update inbox as i set status = s.status, outcome = s.outcome, error = s.error,
                processed_at = s.processed_at, attempt = held.tries + case when s.ends then 1 else 0 end,
                attempts_before = 0, started_runs = s.starts_runs,
                org_id = coalesce(i.org_id, s.org_id),
                integration_id = coalesce(i.integration_id, s.integration_id),
                provider = coalesce(s.provider, i.provider)",
        free: "delete from door_keys",
    }
}

/// On Postgres, one statement: only the events of claims that still held are written.
static POSTGRES: LazyLock<String> = LazyLock::new(|| {
    let (columns, first) = (columns(), write::parameters() + 1);
    let (names, arrays) = (names(&columns), arrays(&columns, first));
    let Steps {
        end,
        keep,
        archive,
        free,
    } = steps("s", first + columns.len());
    write::write_sql(
        &format!(
            "s as materialized (select * from unnest({arrays}) as s ({names})),
             ended as ({end}), kept as ({keep}),
             held as materialized (select * from ended union all select * from kept),
             archived as ({archive} from s join held on held.id = s.id where i.id = s.id),
             freed as ({free} using s join held on held.id = s.id
                where key = held.door_key and delivery_id = s.id and s.frees_key), "
        ),
        "where (d.delivery_id, d.attempt) in (select id, attempt from held)",
        "array(select id from held order by id), array(select attempt from held order by id),
            array(select id from written)",
    )
});

/// On SQLite, one row and one step at a time.
struct SqliteSteps {
    end: String,
    keep: String,
    archive: String,
    free: String,
}

static SQLITE: LazyLock<SqliteSteps> = LazyLock::new(|| {
    let columns = columns();
    let values: Vec<String> = columns
        .iter()
        .zip(1..)
        .map(|(column, n)| format!("${n} as {}", column.name))
        .collect();
    let source = format!("(select {}) as s", values.join(", "));
    let processing = columns.len() + 1;
    let Steps {
        end: _,
        keep,
        archive,
        free,
    } = steps(&source, processing);
    let (tries, key) = (processing + 1, processing + 2);
    SqliteSteps {
        // SQLite deletes from one table alone.
        end: format!(
            "delete from inbox_queue as q where id = $1 and attempt = $2 and $4
                and status = ${processing} returning id, attempt, tries, door_key"
        ),
        keep: keep.replace(
            "q.id, q.attempt, q.tries, q.door_key",
            "id, attempt, tries, door_key",
        ),
        archive: format!(
            "{archive} from {source}, (select ${tries} as tries) as held where i.id = s.id"
        ),
        free: format!("{free} where $5 and key = ${key} and delivery_id = $1"),
    }
});

/// A claim that still held when it was settled.
type Held = (Uuid, i32);

impl Store {
    /// Writes a batch of settlements, all or nothing.
    ///
    /// # Errors
    /// [`StoreError::Refused`] means that some value in the batch cannot be stored: settle
    /// its parts on their own.
    pub async fn settle(
        &self,
        settlements: &[Settlement],
        now: Timestamp,
    ) -> Result<Settled, StoreError> {
        let drafts = settlements.iter().flat_map(|settlement| {
            let source = settlement.source(settlement.written > 0);
            source.drafts(settlement.written..settlement.events.len(), now)
        });
        let drafts = in_write_order(drafts.collect());
        let rows: Vec<Row> = settlements
            .iter()
            .map(|settlement| Row { settlement, now })
            .collect();
        let (held, events) = self
            .write_once(async |tx| settle(tx, &rows, &drafts).await)
            .await?;
        for settlement in settlements {
            if held.contains(&(settlement.delivery.0, settlement.attempt)) {
                measure::settled(settlement.result(), 1);
            }
        }
        let offered = drafts.iter().filter(|draft| is_held(draft, &held)).count();
        let is_run = |draft: &&Draft| write::starts_run(draft, &events);
        draft::measure(&drafts, &events);
        measure::duplicates(offered - events.len());
        Ok(Settled {
            events: events.len(),
            runs: drafts.iter().filter(is_run).count(),
            duplicates: offered - events.len(),
            deliveries: held.into_iter().map(|(id, _)| DeliveryId(id)).collect(),
        })
    }
}

/// True if the claim that decided an event still held.
fn is_held(draft: &Draft<'_>, held: &HashSet<Held>) -> bool {
    let claim = draft.delivery.zip(draft.attempt);
    claim.is_some_and(|(delivery, attempt)| held.contains(&(delivery.0, attempt)))
}

/// Settles; the claims that still held, and the ids of the events that were new.
async fn settle(
    tx: &mut Tx<'_>,
    rows: &[Row<'_>],
    drafts: &[Draft<'_>],
) -> Result<(HashSet<Held>, HashSet<Uuid>), StoreError> {
    let processing = DeliveryStatus::Processing.as_str();
    match tx {
        Tx::Postgres(postgres) => {
            let mut arguments = PgArguments::default();
            let drafts: Vec<&Draft> = drafts.iter().collect();
            write::bind(&mut arguments, &drafts)?;
            bind_all(&mut arguments, &columns(), rows)?;
            arguments.add(processing).map_err(sqlx::Error::Encode)?;
            let settle = sqlx::query_as_with(POSTGRES.as_str(), arguments);
            let settle = settle.fetch_one(&mut *postgres.connection);
            let (ids, attempts, events): (Vec<Uuid>, Vec<i32>, Vec<Uuid>) =
                within(postgres.answer_max, settle).await?;
            let held = ids.into_iter().zip(attempts).collect();
            let events = events.into_iter().collect();
            let started = drafts.into_iter();
            write::announce(
                tx,
                started.filter(|draft| write::starts_run(draft, &events)),
            );
            Ok((held, events))
        }
        Tx::Sqlite(connection) => {
            let mut held = HashSet::new();
            for row in rows {
                held.extend(settle_alone(connection, row, processing).await?);
            }
            let held_drafts = drafts.iter().filter(|draft| is_held(draft, &held));
            let events = write::write(tx, held_drafts).await?;
            Ok((held, events))
        }
    }
}

/// Settles one delivery on SQLite; none if its claim is lost.
async fn settle_alone(
    connection: &mut SqliteConnection,
    row: &Row<'_>,
    processing: &str,
) -> Result<Option<Held>, StoreError> {
    let arguments = || {
        let mut arguments = bind_one(&columns(), row)?;
        arguments.add(processing).map_err(sqlx::Error::Encode)?;
        Ok::<_, StoreError>(arguments)
    };
    let step = match row.settlement.ends() {
        true => &SQLITE.end,
        false => &SQLITE.keep,
    };
    let held: Option<(Uuid, i32, i32, Option<Uuid>)> =
        sqlx::query_as_with(step.as_str(), arguments()?)
            .fetch_optional(&mut *connection)
            .await?;
    let Some((id, attempt, tries, key)) = held else {
        return Ok(None);
    };
    for step in [&SQLITE.archive, &SQLITE.free] {
        let mut arguments = arguments()?;
        arguments.add(tries).map_err(sqlx::Error::Encode)?;
        arguments.add(key).map_err(sqlx::Error::Encode)?;
        sqlx::query_with(step.as_str(), arguments)
            .execute(&mut *connection)
            .await?;
    }
    Ok(Some((id, attempt)))
}
