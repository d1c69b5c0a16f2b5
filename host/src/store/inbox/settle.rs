//! Settles a batch of claimed deliveries in one transaction: events, runs, messages and
//! the completion of the inbox rows.
//!
//! Fenced: a delivery that another worker has claimed since is left alone, and so are its
//! events.

use crate::domain::delivery::Disposition;
use crate::domain::event::DecidedEvent;
use crate::domain::trace::TraceParent;
use crate::domain::{DeliveryId, DeliveryStatus, IntegrationId, OrgId, Timestamp};
use crate::measure;
use crate::store::db::{Column, Tx, arrays, bind_all, bind_one, columns, names, within};
use crate::store::events::draft::{self, Draft};
use crate::store::events::write::{self, in_write_order};
use crate::store::{Store, StoreError};
use sqlx::Arguments as _;
use sqlx::postgres::PgArguments;
use std::collections::HashSet;
use std::sync::LazyLock;
use uuid::Uuid;

/// A worker's decision about one claimed delivery.
#[derive(Clone, Debug)]
pub struct Settlement {
    /// The row.
    pub delivery: DeliveryId,
    /// The claim's fence.
    pub attempt: i32,
    /// The result for the row.
    pub disposition: Disposition,
    /// The owner of the delivery, if the worker found it and not the route.
    pub owner: Option<Owner>,
    /// Events to write. A delivery that does not complete has skipped ones only.
    pub events: Vec<DecidedEvent>,
    /// The trace of the sender's request, which consumers continue.
    pub trace: Option<TraceParent>,
}

/// The integration that a delivery belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// Its organization.
    pub org: OrgId,
    /// The integration.
    pub integration: IntegrationId,
    /// Its provider.
    pub provider: String,
}

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

/// The columns of a settlement: the first two find the claim, the others change the row.
fn columns<'a>() -> [Column<Row<'a>>; 10] {
    columns!(Row<'a> {
        id: uuid = |r| r.settlement.delivery.0,
        attempt: int4 = |r| r.settlement.attempt,
        status: text = |r| r.settlement.status().as_str(),
        outcome: text = |r| r.settlement.outcome(),
        error: text = |r| r.settlement.error(),
        due_at: int8 = |r| r.settlement.due_at(),
        processed_at: int8 = |r| r.settlement.processed_at(r.now),
        org_id: text = |r| r.settlement.owner.as_ref().map(|owner| owner.org.as_str()),
        integration_id: uuid = |r| r.settlement.owner.as_ref().map(|owner| owner.integration.0),
        provider: text = |r| r.settlement.owner.as_ref().map(|owner| owner.provider.as_str()),
    })
}

/// Updates the claims that still hold, from `source`, which has the rows as `s`.
fn update_sql(source: &str, processing: usize) -> String {
    format!(
        "update inbox set status = s.status, outcome = s.outcome, error = s.error,
            due_at = s.due_at, processed_at = s.processed_at,
            org_id = coalesce(inbox.org_id, s.org_id),
            integration_id = coalesce(inbox.integration_id, s.integration_id),
            provider = coalesce(s.provider, inbox.provider)
         from {source}
         where inbox.id = s.id and inbox.attempt = s.attempt and inbox.status = ${processing}
         returning inbox.id, inbox.attempt"
    )
}

/// On Postgres, one statement: the update returns the claims that still held, and only
/// their events are written.
static POSTGRES: LazyLock<String> = LazyLock::new(|| {
    let (columns, first) = (columns(), write::parameters() + 1);
    let source = format!(
        "unnest({}) as s ({})",
        arrays(&columns, first),
        names(&columns)
    );
    let update = update_sql(&source, first + columns.len());
    write::write_sql(
        &format!("settled as ({update}), "),
        "where (e.delivery_id, e.attempt) in (select id, attempt from settled)",
        "array(select id from settled order by id), array(select attempt from settled order by id),
            array(select id from written)",
    )
});

/// On SQLite, one row at a time.
static SQLITE: LazyLock<String> = LazyLock::new(|| {
    let columns = columns();
    let values: Vec<String> = columns
        .iter()
        .zip(1..)
        .map(|(column, n)| format!("${n} as {}", column.name))
        .collect();
    let source = format!("(select {}) as s", values.join(", "));
    update_sql(&source, columns.len() + 1)
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
            let events = settlement.events.iter();
            events.map(move |decided| Draft {
                attempt: Some(settlement.attempt),
                ..Draft::new(
                    Some(settlement.delivery),
                    decided,
                    settlement.trace.as_ref(),
                    now,
                )
            })
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
        let is_run = |draft: &&Draft| draft.run.is_some() && events.contains(&draft.id.0);
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
            Ok((held, events.into_iter().collect()))
        }
        Tx::Sqlite(connection) => {
            let mut held = HashSet::new();
            for row in rows {
                let mut arguments = bind_one(&columns(), row)?;
                arguments.add(processing).map_err(sqlx::Error::Encode)?;
                let settle = sqlx::query_as_with(SQLITE.as_str(), arguments);
                let settled: Option<Held> = settle.fetch_optional(&mut **connection).await?;
                held.extend(settled);
            }
            let held_drafts = drafts.iter().filter(|draft| is_held(draft, &held));
            let events = write::write(tx, held_drafts).await?;
            Ok((held, events))
        }
    }
}

impl Settlement {
    fn status(&self) -> DeliveryStatus {
        match self.disposition {
            Disposition::Completed { .. } => DeliveryStatus::Completed,
            Disposition::Retry { .. } => DeliveryStatus::Pending,
            Disposition::Failed { .. } => DeliveryStatus::Failed,
        }
    }

    /// The result in metrics.
    fn result(&self) -> &'static str {
        match self.disposition {
            Disposition::Completed { .. } => "completed",
            Disposition::Retry { .. } => "retried",
            Disposition::Failed { .. } => "failed",
        }
    }

    fn outcome(&self) -> Option<&str> {
        match &self.disposition {
            Disposition::Completed { outcome } => Some(outcome),
            _ => None,
        }
    }

    fn error(&self) -> Option<&str> {
        match &self.disposition {
            Disposition::Completed { .. } => None,
            Disposition::Retry { error, .. } | Disposition::Failed { error } => Some(error),
        }
    }

    fn due_at(&self) -> Option<i64> {
        match self.disposition {
            Disposition::Retry { at, .. } => Some(at.0),
            _ => None,
        }
    }

    fn processed_at(&self, now: Timestamp) -> Option<i64> {
        (!matches!(self.disposition, Disposition::Retry { .. })).then_some(now.0)
    }
}
