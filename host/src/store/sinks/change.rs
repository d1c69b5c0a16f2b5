//! Sinks are created, changed and deleted by people.

use crate::domain::sink::SinkAddress;
use crate::domain::{OrgId, SinkId, Timestamp};
use crate::signals::Signal;
use crate::store::db::{exec, insert, optional};
use crate::store::{SealedSecret, Store, StoreError, secrets};
use uuid::Uuid;

/// A sink to create.
#[derive(Clone, Debug)]
pub struct NewSink {
    /// Its id.
    pub id: SinkId,
    /// Its address.
    pub address: SinkAddress,
    /// The secret that signs requests to an HTTP sink.
    pub secret: Option<SealedSecret>,
}

/// A change of a sink. Any change closes its circuit.
#[derive(Clone, Debug, Default)]
pub struct SinkPatch {
    /// The URL of an HTTP sink.
    pub url: Option<String>,
    /// A sink that is off gets no messages.
    pub enabled: Option<bool>,
}

const OF_ORG: &str = "the organization's sink";
const OF_STREAM: &str = "the stream";
/// A concurrent call took one of them; which one is not known.
const OF_EITHER: &str = "the organization's sink or the stream";

impl Store {
    /// Creates a sink, which is switched on.
    ///
    /// # Errors
    /// [`StoreError::Taken`] if the organization has one, or another organization has the
    /// stream.
    pub async fn create_sink(
        &self,
        org: &OrgId,
        new: &NewSink,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let (url, stream) = match &new.address {
            SinkAddress::Http { url } => (Some(url), None),
            SinkAddress::Redis { stream } => (None, Some(stream)),
        };
        self.write(async |tx| {
            let of_org = optional!(tx, scalar i32, "select 1 from sinks where org_id = $1", org)?;
            if of_org.is_some() {
                return Err(StoreError::Taken { what: OF_ORG });
            }
            let of_stream =
                optional!(tx, scalar i32, "select 1 from sinks where stream = $1", stream)?;
            if of_stream.is_some() {
                return Err(StoreError::Taken { what: OF_STREAM });
            }
            insert!(tx, "sinks" {
                id: new.id,
                org_id: org,
                kind: new.address.kind(),
                url: url,
                stream: stream,
                enabled: true,
                revision: Uuid::now_v7(),
                failures: 0,
                created_at: now,
                updated_at: now,
            })
            .map_err(|error| error.or_taken(OF_EITHER))?;
            if let Some(secret) = &new.secret {
                secrets::add(tx, new.id.0, secret, now).await?;
            }
            tx.concerns(Signal::Sink(org.clone()));
            Ok(())
        })
        .await
    }

    /// Changes a sink and closes its circuit: due messages are tried at once. False if the
    /// organization has no such sink.
    pub async fn update_sink(
        &self,
        org: &OrgId,
        id: SinkId,
        patch: &SinkPatch,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        const SQL: &str =
            "update sinks set url = coalesce($3, url), enabled = coalesce($4, enabled),
                revision = $5, failures = 0, open_until = null, updated_at = $6
             where org_id = $1 and id = $2";
        let (url, enabled, revision) = (patch.url.as_deref(), patch.enabled, Uuid::now_v7());
        let changed = self
            .write_once(async |tx| {
                tx.concerns(Signal::Sink(org.clone()));
                exec!(tx, SQL, org, id, url, enabled, revision, now)
            })
            .await?;
        Ok(changed == 1)
    }

    /// Deletes a sink with its secrets; false if the organization has no such sink. Its
    /// messages wait for consumers, or for the next sink.
    pub async fn delete_sink(&self, org: &OrgId, id: SinkId) -> Result<bool, StoreError> {
        const SQL: &str = "delete from sinks where org_id = $1 and id = $2";
        self.write(async |tx| {
            let found = exec!(tx, SQL, org, id)? == 1;
            if found {
                secrets::remove(tx, id.0).await?;
                // Its messages wait for consumers that claim them.
                tx.concerns(Signal::Sink(org.clone()));
            }
            Ok(found)
        })
        .await
    }
}
