//! Sinks: as people see them here, as people change them, what is claimed to be sent to
//! them, and how that goes, each in its file.

mod change;
mod claim;
mod health;

pub use change::{NewSink, NewSinkPlace, SinkPatch};
pub use claim::{Dispatch, SinkTarget};
pub use health::SinkNews;

use super::pool::read;
use super::{Page, PageRequest, Store, StoreError};
use crate::domain::sink::{Sink, SinkHealth};
use crate::domain::{OrgId, SinkId, Timestamp};
use uuid::Uuid;

#[derive(sqlx::FromRow)]
struct SinkRow {
    id: Uuid,
    kind: String,
    url: Option<String>,
    stream: Option<String>,
    enabled: bool,
    failures: i32,
    error: Option<String>,
    error_at: Option<i64>,
    open_until: Option<i64>,
    succeeded_at: Option<i64>,
    created_at: i64,
    updated_at: i64,
}

impl SinkRow {
    fn sink(self, now: Timestamp) -> Result<Sink, StoreError> {
        let kind = self.kind.parse();
        let time = |at: Option<i64>| at.map(Timestamp);
        Ok(Sink {
            id: SinkId(self.id),
            kind: kind.map_err(|e: String| StoreError::unreadable("sinks", "kind", e))?,
            url: self.url,
            stream: self.stream,
            enabled: self.enabled,
            health: SinkHealth {
                circuit: SinkHealth::circuit(time(self.open_until), now),
                open_until: time(self.open_until).filter(|until| *until > now),
                failures: self.failures,
                last_error: self.error,
                last_error_at: time(self.error_at),
                last_success_at: time(self.succeeded_at),
            },
            created_at: Timestamp(self.created_at),
            updated_at: Timestamp(self.updated_at),
        })
    }
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "select id, kind, url, stream, enabled, failures, error, error_at, open_until,
                succeeded_at, created_at, updated_at
             from sinks where org_id = $1 ",
            $rest
        )
    };
}

/// What claiming an organization's messages would bring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageProspect {
    /// Something, unless somebody else is quicker.
    Due,
    /// Nothing.
    None,
    /// Nothing: a sink that is switched on gets them.
    SentToSink,
}

impl Store {
    /// An organization's sinks, of which there is one at most.
    ///
    /// # Errors
    /// If the database is unavailable.
    pub async fn list_sinks(
        &self,
        org: &OrgId,
        page: PageRequest,
        now: Timestamp,
    ) -> Result<Page<Sink>, StoreError> {
        let rows: Vec<SinkRow> = read!(self, pool => {
            sqlx::query_as(select!("and id < $2 order by id desc limit $3"))
                .bind(org.as_str())
                .bind(page.before())
                .bind(page.fetch())
                .fetch_all(pool)
                .await?
        });
        let sinks: Result<Vec<_>, _> = rows.into_iter().map(|row| row.sink(now)).collect();
        Ok(page.page(sinks?, |sink: &Sink| sink.id.0))
    }

    /// One sink.
    ///
    /// # Errors
    /// If the database is unavailable.
    pub async fn sink(
        &self,
        org: &OrgId,
        id: SinkId,
        now: Timestamp,
    ) -> Result<Option<Sink>, StoreError> {
        let row: Option<SinkRow> = read!(self, pool => {
            sqlx::query_as(select!("and id = $2"))
                .bind(org.as_str())
                .bind(id.0)
                .fetch_optional(pool)
                .await?
        });
        row.map(|row| row.sink(now)).transpose()
    }

    /// Whether claiming messages now is of any use. Reads only.
    ///
    /// # Errors
    /// If the database is unavailable.
    pub async fn message_prospect(
        &self,
        org: &OrgId,
        now: Timestamp,
    ) -> Result<MessageProspect, StoreError> {
        let (due, sent): (bool, bool) = read!(self, pool => {
            sqlx::query_as(
                "select exists (select 1 from outbox where org_id = $1 and due_at <= $2),
                    exists (select 1 from sinks where org_id = $1 and enabled)",
            )
            .bind(org.as_str())
            .bind(now.0)
            .fetch_one(pool)
            .await?
        });
        Ok(match (due, sent) {
            (_, true) => MessageProspect::SentToSink,
            (true, false) => MessageProspect::Due,
            (false, false) => MessageProspect::None,
        })
    }
}
