//! The credentials of integrations, sealed, and the consequences of a new or a refused one.
//!
//! Every transaction locks in this order: integration, credential.

mod renewals;

pub use renewals::{Renewal, RenewalOf};

use super::db::{Tx, exec, insert, one, optional, update};
use super::{Store, StoreError};
use crate::domain::credential_kind::CredentialKind;
use crate::domain::integration::{ConnectionNews, IntegrationStatus, StatusSetter};
use crate::domain::limits::{REASON_BYTES_MAX, bounded};
use crate::domain::{IntegrationId, OrgId, Timestamp};
use uuid::Uuid;

/// A credential as it is stored, new with each replacement.
#[derive(Clone, Debug)]
pub struct SealedCredential {
    /// The id that its sealing is bound to.
    pub seal_id: Uuid,
    /// Its kind.
    pub kind: CredentialKind,
    /// Encrypted with the master key.
    pub sealed: Vec<u8>,
}

/// A credential, the access token obtained with it, and the state of its renewal.
#[derive(Clone, Debug)]
pub struct StoredCredential {
    /// The credential itself.
    pub credential: SealedCredential,
    /// New whenever the credential or its connection is replaced: an answer about an earlier
    /// revision says nothing about this one.
    pub revision: Uuid,
    /// The access token, if there is one.
    pub access: Option<SealedAccess>,
    /// The number of access tokens so far, which fences a renewal.
    pub access_number: i64,
    /// The end of the claim of the replica that renews it.
    pub claimed_until: Option<Timestamp>,
    /// The time before which the token's issuer wants no other request.
    pub retry_at: Option<Timestamp>,
    /// The integration's connection.
    pub connection_id: Option<String>,
}

/// An access token as it is stored.
#[derive(Clone, Debug)]
pub struct SealedAccess {
    /// Encrypted with the master key.
    pub sealed: Vec<u8>,
    /// Its end; none if it is unknown.
    pub expires_at: Option<Timestamp>,
    /// The time from which it is renewed.
    pub renew_at: Option<Timestamp>,
}

/// Gives an integration a credential, in the place of the one before.
pub(super) async fn set(
    tx: &mut Tx<'_>,
    integration: IntegrationId,
    credential: &SealedCredential,
    now: Timestamp,
) -> Result<(), StoreError> {
    remove(tx, integration).await?;
    insert!(tx, "credentials" {
        integration_id: integration,
        kind: credential.kind,
        seal_id: credential.seal_id,
        revision: Uuid::now_v7(),
        sealed: credential.sealed.as_slice(),
        access_number: 0_i64,
        created_at: now,
        updated_at: now,
    })?;
    Ok(())
}

/// Removes an integration's credential.
pub(super) async fn remove(tx: &mut Tx<'_>, integration: IntegrationId) -> Result<(), StoreError> {
    exec!(
        tx,
        "delete from credentials where integration_id = $1",
        integration
    )?;
    Ok(())
}

/// The integration has another connection: its access token is dropped, and answers about
/// the old connection no longer matter. True if that makes for a new credential.
pub(super) async fn reconnect(
    tx: &mut Tx<'_>,
    integration: IntegrationId,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let changed = exec!(
        tx,
        "update credentials set revision = $3, access_sealed = null, access_number = 0,
            access_expires_at = null, access_renew_at = null, claim = null,
            claim_until = null, retry_at = null, updated_at = $4
         where integration_id = $1 and kind = $2",
        integration,
        CredentialKind::Nango,
        Uuid::now_v7(),
        now,
    )?;
    Ok(changed == 1)
}

/// Sets the status that follows a new credential. The caller holds the integration's lock.
pub(super) async fn lift(tx: &mut Tx<'_>, integration: IntegrationId) -> Result<(), StoreError> {
    let (status, set_by) = one!(
        tx,
        (IntegrationStatus, StatusSetter),
        "select status, status_set_by from integrations where id = $1",
        integration,
    )?;
    if let Some(next) = ConnectionNews::Refreshed.follow(status, set_by) {
        update!(tx, "integrations" set {
            status: next,
            status_set_by: StatusSetter::Service,
            status_reason: None::<&str>,
        } where { id: integration })?;
    }
    Ok(())
}

/// The service refused the credential of `revision` (none: the integration has none). Sets
/// the integration's status, and returns true, if it is active and its credential was not
/// replaced meanwhile.
pub(super) async fn needs_reauth(
    tx: &mut Tx<'_>,
    org: &OrgId,
    integration: IntegrationId,
    revision: Option<Uuid>,
    reason: &str,
    now: Timestamp,
) -> Result<bool, StoreError> {
    // Locked first: a statement that waited for a replacement would still see the credential
    // from before it.
    exec!(
        tx,
        "update integrations set updated_at = updated_at where org_id = $1 and id = $2",
        org,
        integration,
    )?;
    let changed = exec!(
        tx,
        "update integrations set status = $3, status_reason = $4, status_set_by = $5,
            updated_at = $6
         where org_id = $1 and id = $2 and deleted_at is null and status = $7
            and (select c.revision from credentials c where c.integration_id = integrations.id)
                is not distinct from $8",
        org,
        integration,
        IntegrationStatus::NeedsReauth,
        bounded(reason, REASON_BYTES_MAX),
        StatusSetter::Service,
        now,
        IntegrationStatus::Active,
        revision,
    )?;
    Ok(changed == 1)
}

#[derive(sqlx_macros::FromRow)]
struct CredentialRow {
    kind: CredentialKind,
    seal_id: Uuid,
    revision: Uuid,
    sealed: Vec<u8>,
    access_sealed: Option<Vec<u8>>,
    access_number: i64,
    access_expires_at: Option<Timestamp>,
    access_renew_at: Option<Timestamp>,
    claim_until: Option<Timestamp>,
    retry_at: Option<Timestamp>,
    connection_id: Option<String>,
}

impl From<CredentialRow> for StoredCredential {
    fn from(row: CredentialRow) -> Self {
        Self {
            credential: SealedCredential {
                seal_id: row.seal_id,
                kind: row.kind,
                sealed: row.sealed,
            },
            revision: row.revision,
            access: row.access_sealed.map(|sealed| SealedAccess {
                sealed,
                expires_at: row.access_expires_at,
                renew_at: row.access_renew_at,
            }),
            access_number: row.access_number,
            claimed_until: row.claim_until,
            retry_at: row.retry_at,
            connection_id: row.connection_id,
        }
    }
}

impl Store {
    /// An integration's credential, if it has one.
    pub async fn credential(
        &self,
        integration: IntegrationId,
    ) -> Result<Option<StoredCredential>, StoreError> {
        const SQL: &str = "select c.kind, c.seal_id, c.revision, c.sealed, c.access_sealed,
                c.access_number, c.access_expires_at, c.access_renew_at, c.claim_until, c.retry_at,
                i.connection_id
             from credentials c join integrations i on i.id = c.integration_id
             where c.integration_id = $1 and i.deleted_at is null";
        let row = self
            .read(async |tx| optional!(tx, CredentialRow, SQL, integration))
            .await?;
        Ok(row.map(StoredCredential::from))
    }
}
