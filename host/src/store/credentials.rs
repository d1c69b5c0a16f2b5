//! The credentials of integrations, sealed, and what follows from a new or a refused
//! one.
//!
//! Locks are taken in this order: integration, credential.

use super::pool::read;
use super::{Store, StoreError};
use crate::domain::credential::CredentialKind;
use crate::domain::{IntegrationId, Timestamp};
use uuid::Uuid;

/// A credential as it is stored, new with each replacement.
#[derive(Clone, Debug)]
pub struct SealedCredential {
    /// To which its sealing is bound.
    pub seal_id: Uuid,
    /// What it is.
    pub kind: CredentialKind,
    /// Encrypted with the master key.
    pub sealed: Vec<u8>,
}

/// What becomes of an integration's credential.
#[derive(Clone, Debug)]
pub enum CredentialChange {
    /// There is another one.
    Replace(SealedCredential),
    /// There is none.
    Remove,
}

/// A credential, what was got by it, and who gets more.
#[derive(Clone, Debug)]
pub struct StoredCredential {
    /// The credential itself.
    pub credential: SealedCredential,
    /// New whenever what is accessed, or with what, is replaced: an answer about an
    /// earlier one says nothing about this.
    pub revision: Uuid,
    /// The access token, if there is one.
    pub access: Option<SealedAccess>,
    /// Access tokens so far: what a renewal replaces, and is fenced by.
    pub access_number: i64,
    /// Until when somebody renews it, if nothing happens to them.
    pub claimed_until: Option<Timestamp>,
    /// Until when whoever renews it wants to be left alone.
    pub retry_at: Option<Timestamp>,
    /// The integration's connection.
    pub connection_id: Option<String>,
}

/// An access token as it is stored.
#[derive(Clone, Debug)]
pub struct SealedAccess {
    /// Encrypted with the master key.
    pub sealed: Vec<u8>,
    /// Its end; none if nobody knows.
    pub expires_at: Option<Timestamp>,
    /// From when on another one is got.
    pub renew_at: Option<Timestamp>,
}

/// Gives an integration a credential, in the place of the one before.
macro_rules! set_credential {
    ($tx:ident, $integration:expr, $credential:expr, $now:expr) => {{
        let credential: &$crate::store::SealedCredential = $credential;
        $crate::store::credentials::remove_credential!($tx, $integration);
        sqlx::query(
            "insert into credentials (integration_id, kind, seal_id, revision, sealed,
                access_number, created_at, updated_at)
             values ($1, $2, $3, $4, $5, 0, $6, $6)",
        )
        .bind($integration)
        .bind(credential.kind.as_str())
        .bind(credential.seal_id)
        .bind(uuid::Uuid::now_v7())
        .bind(credential.sealed.as_slice())
        .bind($now.0)
        .execute(&mut **$tx)
        .await?;
    }};
}

/// Removes an integration's credential.
macro_rules! remove_credential {
    ($tx:ident, $integration:expr) => {
        sqlx::query("delete from credentials where integration_id = $1")
            .bind($integration)
            .execute(&mut **$tx)
            .await?
    };
}

/// The integration has another connection: what was got for the one before is no use,
/// and what is said about it no longer matters. Returns whether that is a new credential.
macro_rules! reconnect {
    ($tx:ident, $integration:expr, $now:expr) => {
        sqlx::query(
            "update credentials set revision = $3, access_sealed = null, access_number = 0,
                access_expires_at = null, access_renew_at = null, claim = null,
                claim_until = null, retry_at = null, updated_at = $4
             where integration_id = $1 and kind = $2",
        )
        .bind($integration)
        .bind($crate::domain::credential::CredentialKind::Nango.as_str())
        .bind(uuid::Uuid::now_v7())
        .bind($now.0)
        .execute(&mut **$tx)
        .await?
        .rows_affected()
            == 1
    };
}

/// The status that follows a new credential. The caller holds the row's lock.
macro_rules! lift {
    ($tx:ident, $integration:expr) => {{
        let (status, set_by): (String, String) =
            sqlx::query_as("select status, status_set_by from integrations where id = $1")
                .bind($integration)
                .fetch_one(&mut **$tx)
                .await?;
        let next = $crate::domain::integration::ConnectionNews::Refreshed.follow(
            status.parse().map_err(|error| {
                $crate::store::StoreError::unreadable("integrations", "status", error)
            })?,
            set_by.parse().map_err(|error| {
                $crate::store::StoreError::unreadable("integrations", "status_set_by", error)
            })?,
        );
        if let Some(next) = next {
            sqlx::query(
                "update integrations set status = $2, status_set_by = $3, status_reason = null
                 where id = $1",
            )
            .bind($integration)
            .bind(next.as_str())
            .bind($crate::domain::integration::StatusSetter::Service.as_str())
            .execute(&mut **$tx)
            .await?;
        }
    }};
}

/// The service refused the credential of `$revision` (none: that there is none). Sets
/// the integration's status, and returns true, if it works so far and has no other
/// credential by now.
macro_rules! needs_reauth {
    ($tx:ident, $org:expr, $integration:expr, $revision:expr, $reason:expr, $now:expr) => {{
        use $crate::domain::integration::{IntegrationStatus, StatusSetter};
        let (org, integration): (&$crate::domain::OrgId, $crate::domain::IntegrationId) =
            ($org, $integration);
        let revision: Option<uuid::Uuid> = $revision;
        // Locked first: a statement that waited for a replacement would still see the
        // credential that there was before it.
        sqlx::query(
            "update integrations set updated_at = updated_at where org_id = $1 and id = $2",
        )
        .bind(org.as_str())
        .bind(integration.0)
        .execute(&mut **$tx)
        .await?;
        let done = sqlx::query(
            "update integrations set status = $3, status_reason = $4, status_set_by = $5,
                updated_at = $6
             where org_id = $1 and id = $2 and deleted_at is null and status = $7
                and (select c.revision from credentials c where c.integration_id = integrations.id)
                    is not distinct from $8",
        )
        .bind(org.as_str())
        .bind(integration.0)
        .bind(IntegrationStatus::NeedsReauth.as_str())
        .bind($crate::domain::limits::bounded(
            $reason,
            $crate::domain::limits::REASON_BYTES_MAX,
        ))
        .bind(StatusSetter::Service.as_str())
        .bind($now.0)
        .bind(IntegrationStatus::Active.as_str())
        .bind(revision)
        .execute(&mut **$tx)
        .await?;
        done.rows_affected() == 1
    }};
}

pub(super) use {lift, needs_reauth, reconnect, remove_credential, set_credential};

#[derive(sqlx::FromRow)]
struct CredentialRow {
    kind: String,
    seal_id: Uuid,
    revision: Uuid,
    sealed: Vec<u8>,
    access_sealed: Option<Vec<u8>>,
    access_number: i64,
    access_expires_at: Option<i64>,
    access_renew_at: Option<i64>,
    claim_until: Option<i64>,
    retry_at: Option<i64>,
    connection_id: Option<String>,
}

impl TryFrom<CredentialRow> for StoredCredential {
    type Error = StoreError;

    fn try_from(row: CredentialRow) -> Result<Self, StoreError> {
        let kind = row.kind.parse();
        let kind = kind.map_err(|error| StoreError::unreadable("credentials", "kind", error))?;
        Ok(Self {
            credential: SealedCredential {
                seal_id: row.seal_id,
                kind,
                sealed: row.sealed,
            },
            revision: row.revision,
            access: row.access_sealed.map(|sealed| SealedAccess {
                sealed,
                expires_at: row.access_expires_at.map(Timestamp),
                renew_at: row.access_renew_at.map(Timestamp),
            }),
            access_number: row.access_number,
            claimed_until: row.claim_until.map(Timestamp),
            retry_at: row.retry_at.map(Timestamp),
            connection_id: row.connection_id,
        })
    }
}

impl Store {
    /// An integration's credential, if it has one.
    ///
    /// # Errors
    /// If the database is unavailable.
    pub async fn credential(
        &self,
        integration: IntegrationId,
    ) -> Result<Option<StoredCredential>, StoreError> {
        let row: Option<CredentialRow> = read!(self, pool => {
            sqlx::query_as(
                "select c.kind, c.seal_id, c.revision, c.sealed, c.access_sealed, c.access_number,
                    c.access_expires_at, c.access_renew_at, c.claim_until, c.retry_at,
                    i.connection_id
                 from credentials c join integrations i on i.id = c.integration_id
                 where c.integration_id = $1 and i.deleted_at is null",
            )
            .bind(integration.0)
            .fetch_optional(pool)
            .await?
        });
        row.map(StoredCredential::try_from).transpose()
    }
}
