//! Who of all replicas renews an access token, and what that brought.

use super::pool::write;
use super::{SealedAccess, Store, StoreError};
use crate::domain::{IntegrationId, Timestamp};
use uuid::Uuid;

/// What a renewal starts from: it counts only while nothing has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RenewalOf {
    /// The integration.
    pub integration: IntegrationId,
    /// [`super::StoredCredential::revision`].
    pub revision: Uuid,
    /// [`super::StoredCredential::access_number`].
    pub access_number: i64,
}

/// What a renewal brought.
#[derive(Clone, Debug)]
pub struct Renewal {
    /// The new access token.
    pub access: SealedAccess,
    /// The credential, where it is another one now: its refresh token was replaced.
    pub sealed: Option<Vec<u8>>,
}

impl Store {
    /// Takes it upon `claim` to renew an access token until `until`; false if somebody
    /// else does, or there is nothing to renew any more.
    ///
    /// # Errors
    /// If the database is unavailable.
    pub async fn claim_renewal(
        &self,
        of: RenewalOf,
        claim: Uuid,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        write!(self, tx => {
            let done = sqlx::query(
                "update credentials set claim = $4, claim_until = $5
                 where integration_id = $1 and revision = $2 and access_number = $3
                    and (claim_until is null or claim_until <= $6)",
            )
            .bind(of.integration.0)
            .bind(of.revision)
            .bind(of.access_number)
            .bind(claim)
            .bind(until.0)
            .bind(now.0)
            .execute(&mut **tx)
            .await?;
            Ok(done.rows_affected() == 1)
        })
    }

    /// Stores what a renewal brought and ends all claims; false if there is something
    /// newer. A renewal whose claim has lapsed may still store: whoever stores first
    /// has renewed, and a refresh token that was replaced is not lost.
    ///
    /// # Errors
    /// If the database is unavailable.
    pub async fn store_renewal(
        &self,
        of: RenewalOf,
        renewal: &Renewal,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        write!(self, tx => {
            let done = sqlx::query(
                "update credentials set access_sealed = $4, access_number = access_number + 1,
                    access_expires_at = $5, access_renew_at = $6, sealed = coalesce($7, sealed),
                    claim = null, claim_until = null, retry_at = null, updated_at = $8
                 where integration_id = $1 and revision = $2 and access_number = $3",
            )
            .bind(of.integration.0)
            .bind(of.revision)
            .bind(of.access_number)
            .bind(renewal.access.sealed.as_slice())
            .bind(renewal.access.expires_at.map(|at| at.0))
            .bind(renewal.access.renew_at.map(|at| at.0))
            .bind(renewal.sealed.as_deref())
            .bind(now.0)
            .execute(&mut **tx)
            .await?;
            Ok(done.rows_affected() == 1)
        })
    }

    /// Gives a claim back: the renewal failed, and none makes sense before `retry_at`.
    /// Does nothing if the claim has lapsed and was taken over.
    ///
    /// # Errors
    /// If the database is unavailable.
    pub async fn release_renewal(
        &self,
        integration: IntegrationId,
        claim: Uuid,
        retry_at: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        write!(self, tx => {
            sqlx::query(
                "update credentials set claim = null, claim_until = null, retry_at = $3
                 where integration_id = $1 and claim = $2",
            )
            .bind(integration.0)
            .bind(claim)
            .bind(retry_at.map(|at| at.0))
            .execute(&mut **tx)
            .await?;
            Ok(())
        })
    }
}
