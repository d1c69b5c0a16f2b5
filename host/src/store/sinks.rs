//! Sinks: what people say about them.

use super::error::taken;
use super::pool::{read, write};
use super::routes::{SealedSecret, add_secret};
use super::{Page, PageRequest, Store, StoreError};
use crate::domain::sink::{Sink, SinkHealth, SinkKind};
use crate::domain::{OrgId, SinkId, Timestamp};
use uuid::Uuid;

/// A sink to create.
#[derive(Clone, Debug)]
pub struct NewSink {
    /// Its id.
    pub id: SinkId,
    /// Where it leads.
    pub place: NewSinkPlace,
}

/// Where a new sink leads.
#[derive(Clone, Debug)]
pub enum NewSinkPlace {
    /// To a URL, by requests that are signed with the secret.
    Http {
        /// The URL.
        url: String,
        /// The secret.
        secret: SealedSecret,
    },
    /// To a Redis stream.
    Redis {
        /// Its key.
        stream: String,
    },
}

/// What may change about a sink; whatever does, it is tried at once.
#[derive(Clone, Debug, Default)]
pub struct SinkPatch {
    /// The URL of an HTTP sink.
    pub url: Option<String>,
    /// Whether messages are sent.
    pub enabled: Option<bool>,
}

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

const OF_ORG: &str = "the organization's sink";
const OF_STREAM: &str = "the stream";

impl Store {
    /// Creates a sink, which is switched on.
    ///
    /// # Errors
    /// [`StoreError::Taken`] if the organization has one, or another organization has
    /// the stream.
    pub async fn create_sink(
        &self,
        org: &OrgId,
        new: &NewSink,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let (kind, url, stream, secret) = match &new.place {
            NewSinkPlace::Http { url, secret } => (SinkKind::Http, Some(url), None, Some(secret)),
            NewSinkPlace::Redis { stream } => (SinkKind::Redis, None, Some(stream), None),
        };
        write!(self, tx => {
            let found: Option<i32> = sqlx::query_scalar("select 1 from sinks where org_id = $1")
                .bind(org.as_str())
                .fetch_optional(&mut **tx)
                .await?;
            if found.is_some() {
                return Err(StoreError::Taken { what: OF_ORG });
            }
            let found: Option<i32> = sqlx::query_scalar("select 1 from sinks where stream = $1")
                .bind(stream)
                .fetch_optional(&mut **tx)
                .await?;
            if found.is_some() {
                return Err(StoreError::Taken { what: OF_STREAM });
            }
            sqlx::query(
                "insert into sinks
                    (id, org_id, kind, url, stream, enabled, revision, failures, created_at, updated_at)
                 values ($1, $2, $3, $4, $5, $6, $7, 0, $8, $8)",
            )
            .bind(new.id.0)
            .bind(org.as_str())
            .bind(kind.as_str())
            .bind(url)
            .bind(stream)
            .bind(true)
            .bind(Uuid::now_v7())
            .bind(now.0)
            .execute(&mut **tx)
            .await
            // Somebody was faster just now, most likely this organization itself.
            .map_err(|error| taken(error, OF_ORG))?;
            if let Some(secret) = secret {
                add_secret!(tx, new.id.0, secret, now);
            }
            Ok::<_, StoreError>(())
        })
    }

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

    /// Whether an organization's messages are sent somewhere, so that nobody can
    /// claim them.
    ///
    /// # Errors
    /// If the database is unavailable.
    pub async fn is_sent_to_sink(&self, org: &OrgId) -> Result<bool, StoreError> {
        let found: Option<i32> = read!(self, pool => {
            sqlx::query_scalar("select 1 from sinks where org_id = $1 and enabled")
                .bind(org.as_str())
                .fetch_optional(pool)
                .await?
        });
        Ok(found.is_some())
    }

    /// Changes a sink and closes its circuit: whatever is due is tried at once. False
    /// if there is no such sink.
    ///
    /// # Errors
    /// If the database is unavailable.
    pub async fn update_sink(
        &self,
        org: &OrgId,
        id: SinkId,
        patch: &SinkPatch,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        write!(self, tx => {
            let done = sqlx::query(
                "update sinks set url = coalesce($3, url), enabled = coalesce($4, enabled),
                    revision = $5, failures = 0, open_until = null, updated_at = $6
                 where org_id = $1 and id = $2",
            )
            .bind(org.as_str())
            .bind(id.0)
            .bind(patch.url.as_deref())
            .bind(patch.enabled)
            .bind(Uuid::now_v7())
            .bind(now.0)
            .execute(&mut **tx)
            .await?;
            Ok(done.rows_affected() == 1)
        })
    }

    /// Gives an HTTP sink a new secret. Until `old_until` requests are signed with
    /// those before as well. False if there is no such sink.
    ///
    /// # Errors
    /// If the database is unavailable.
    pub async fn rotate_sink_secret(
        &self,
        org: &OrgId,
        id: SinkId,
        secret: &SealedSecret,
        old_until: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        write!(self, tx => {
            // The lock lets one rotation follow the other.
            let done = sqlx::query("update sinks set updated_at = $3 where org_id = $1 and id = $2")
                .bind(org.as_str())
                .bind(id.0)
                .bind(now.0)
                .execute(&mut **tx)
                .await?;
            if done.rows_affected() == 0 {
                return Ok(false);
            }
            sqlx::query(
                "update webhook_secrets set expires_at = $2
                 where subject = $1 and (expires_at is null or expires_at > $2)",
            )
            .bind(id.0)
            .bind(old_until.0)
            .execute(&mut **tx)
            .await?;
            sqlx::query("delete from webhook_secrets where subject = $1 and expires_at <= $2")
                .bind(id.0)
                .bind(now.0)
                .execute(&mut **tx)
                .await?;
            add_secret!(tx, id.0, secret, now);
            Ok(true)
        })
    }

    /// Deletes a sink with its secrets; false if there is none. Its messages wait for
    /// consumers, or for the next sink.
    ///
    /// # Errors
    /// If the database is unavailable.
    pub async fn delete_sink(&self, org: &OrgId, id: SinkId) -> Result<bool, StoreError> {
        write!(self, tx => {
            let done = sqlx::query("delete from sinks where org_id = $1 and id = $2")
                .bind(org.as_str())
                .bind(id.0)
                .execute(&mut **tx)
                .await?;
            let found = done.rows_affected() == 1;
            if found {
                sqlx::query("delete from webhook_secrets where subject = $1")
                    .bind(id.0)
                    .execute(&mut **tx)
                    .await?;
            }
            Ok(found)
        })
    }
}
