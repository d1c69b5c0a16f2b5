//! Renewals of access tokens: of all replicas one claims a renewal, and stores its result.

use super::SealedAccess;
use crate::domain::{IntegrationId, Timestamp};
use crate::store::db::{exec, update};
use crate::store::{Store, StoreError};
use uuid::Uuid;

/// The state that a renewal starts from: its result counts only while that is unchanged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RenewalOf {
    /// The integration.
    pub integration: IntegrationId,
    /// [`StoredCredential::revision`](super::StoredCredential::revision).
    pub revision: Uuid,
    /// [`StoredCredential::access_number`](super::StoredCredential::access_number).
    pub access_number: i64,
}

/// The result of a renewal.
#[derive(Clone, Debug)]
pub struct Renewal {
    /// The new access token.
    pub access: SealedAccess,
    /// The changed credential, where the issuer replaced the refresh token.
    pub sealed: Option<Vec<u8>>,
}

impl Store {
    /// Claims the renewal of an access token until `until`; false if another replica has
    /// claimed it, or if there is nothing to renew any more.
    pub async fn claim_renewal(
        &self,
        of: RenewalOf,
        claim: Uuid,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        const SQL: &str = "update credentials set claim = $4, claim_until = $5
             where integration_id = $1 and revision = $2 and access_number = $3
                and (claim_until is null or claim_until <= $6)";
        let RenewalOf {
            integration,
            revision,
            access_number,
        } = of;
        let claimed = self
            .write_once(async |tx| {
                exec!(
                    tx,
                    SQL,
                    integration,
                    revision,
                    access_number,
                    claim,
                    until,
                    now
                )
            })
            .await?;
        Ok(claimed == 1)
    }

    /// Stores the result of a renewal and ends all claims; false if a newer token is stored
    /// already. A renewal whose claim has lapsed may still store: the first result wins, and
    /// a refresh token that the issuer replaced is not lost.
    pub async fn store_renewal(
        &self,
        of: RenewalOf,
        renewal: &Renewal,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        const SQL: &str = "update credentials set access_sealed = $4,
                access_number = access_number + 1, access_expires_at = $5, access_renew_at = $6,
                sealed = coalesce($7, sealed), claim = null, claim_until = null, retry_at = null,
                updated_at = $8
             where integration_id = $1 and revision = $2 and access_number = $3";
        let stored = self
            .write_once(async |tx| {
                exec!(
                    tx,
                    SQL,
                    of.integration,
                    of.revision,
                    of.access_number,
                    renewal.access.sealed.as_slice(),
                    renewal.access.expires_at,
                    renewal.access.renew_at,
                    renewal.sealed.as_deref(),
                    now,
                )
            })
            .await?;
        Ok(stored == 1)
    }

    /// Releases a claim whose renewal failed; the next one makes no sense before `retry_at`.
    /// Does nothing if the claim has lapsed and was taken over.
    pub async fn release_renewal(
        &self,
        integration: IntegrationId,
        claim: Uuid,
        retry_at: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        self.write_once(async |tx| {
            update!(tx, "credentials" set {
                claim: None::<Uuid>,
                claim_until: None::<Timestamp>,
                retry_at: retry_at,
            } where { integration_id: integration, claim: claim })
        })
        .await?;
        Ok(())
    }
}
