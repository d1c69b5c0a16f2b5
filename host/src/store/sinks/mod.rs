//! Sinks: lists for people. `change.rs` has what people change, `claim.rs` claims messages to
//! be sent, `health.rs` notes the results.

mod change;
mod claim;
mod health;

pub use change::{NewSink, SinkPatch};
pub use claim::{Dispatch, SinkTarget};
pub use health::SinkNews;

use super::db::{all, optional};
use super::{Page, PageRequest, Store, StoreError};
use crate::domain::sink::{Sink, SinkAddress, SinkHealth, SinkKind};
use crate::domain::{OrgId, SinkId, Timestamp};
use constcat::concat;
use sqlx::{FromRow, Row};

/// The columns of an address.
#[derive(sqlx_macros::FromRow)]
struct AddressColumns {
    kind: SinkKind,
    url: Option<String>,
    stream: Option<String>,
}

impl<'r, R: Row> FromRow<'r, R> for SinkAddress
where
    AddressColumns: FromRow<'r, R>,
{
    fn from_row(row: &'r R) -> Result<Self, sqlx::Error> {
        let AddressColumns { kind, url, stream } = AddressColumns::from_row(row)?;
        match kind {
            SinkKind::Http => url.map(|url| Self::Http { url }),
            SinkKind::Redis => stream.map(|stream| Self::Redis { stream }),
        }
        .ok_or_else(|| sqlx::Error::ColumnDecode {
            index: "kind".into(),
            source: format!("a sink of the kind {kind} has no address").into(),
        })
    }
}

#[derive(sqlx_macros::FromRow)]
struct SinkRow {
    id: SinkId,
    #[sqlx(flatten)]
    address: SinkAddress,
    enabled: bool,
    failures: i32,
    error: Option<String>,
    error_at: Option<Timestamp>,
    open_until: Option<Timestamp>,
    succeeded_at: Option<Timestamp>,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl SinkRow {
    fn sink(self, now: Timestamp) -> Sink {
        Sink {
            id: self.id,
            address: self.address,
            enabled: self.enabled,
            health: SinkHealth {
                circuit: SinkHealth::circuit(self.open_until, now),
                open_until: self.open_until.filter(|until| *until > now),
                failures: self.failures,
                last_error: self.error,
                last_error_at: self.error_at,
                last_success_at: self.succeeded_at,
            },
            created_at: self.created_at,
            updated_at: self.updated_at,
        }
    }
}

const OF_ORG: &str = "select id, kind, url, stream, enabled, failures, error, error_at, open_until,
        succeeded_at, created_at, updated_at
     from sinks where org_id = $1 ";
const ONE: &str = concat!(OF_ORG, "and id = $2");
const PAGE: &str = concat!(OF_ORG, "and id < $2 order by id desc limit $3");

/// A sink that is switched on.
#[derive(Clone, Debug, sqlx_macros::FromRow)]
pub struct EnabledSink {
    /// The sink.
    pub id: SinkId,
    /// The organization whose messages it gets.
    #[sqlx(rename = "org_id")]
    pub org: OrgId,
    /// The end of its circuit's pause, if the circuit is open.
    pub open_until: Option<Timestamp>,
}

impl Store {
    /// An organization's sinks, of which there is one at most.
    pub async fn list_sinks(
        &self,
        org: &OrgId,
        page: PageRequest,
        now: Timestamp,
    ) -> Result<Page<Sink>, StoreError> {
        let rows = self
            .read(async |tx| all!(tx, SinkRow, PAGE, org, page.before(), page.fetch()))
            .await?;
        let sinks = rows.into_iter().map(|row| row.sink(now)).collect();
        Ok(page.page(sinks, |sink: &Sink| sink.id.0))
    }

    /// One sink.
    pub async fn sink(
        &self,
        org: &OrgId,
        id: SinkId,
        now: Timestamp,
    ) -> Result<Option<Sink>, StoreError> {
        let row = self
            .read(async |tx| optional!(tx, SinkRow, ONE, org, id))
            .await?;
        Ok(row.map(|row| row.sink(now)))
    }

    /// The sinks that are switched on.
    pub async fn enabled_sinks(&self) -> Result<Vec<EnabledSink>, StoreError> {
        const SQL: &str = "select id, org_id, open_until from sinks where enabled";
        self.read(async |tx| all!(tx, EnabledSink, SQL)).await
    }
}
