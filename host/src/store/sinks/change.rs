//! What people do about sinks.

use crate::domain::sink::SinkKind;
use crate::domain::{OrgId, SinkId, Timestamp};
use crate::store::error::taken;
use crate::store::pool::write;
use crate::store::routes::{SealedSecret, add_secret};
use crate::store::{Store, StoreError};
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

const OF_ORG: &str = "the organization's sink";
const OF_STREAM: &str = "the stream";
/// Where somebody was faster, which of them is not known.
const OF_EITHER: &str = "the organization's sink or the stream";

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
            .map_err(|error| taken(error, OF_EITHER))?;
            if let Some(secret) = secret {
                add_secret!(tx, new.id.0, secret, now);
            }
            Ok::<_, StoreError>(())
        })
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
