//! Renews one access token: claims the renewal, asks the issuer, and stores the new token.

use super::answer::{Failure, Issued};
use super::credential::{self, Credential};
use super::nango::Nango;
use super::oauth::OauthClient;
use super::renew_at::renew_at;
use crate::domain::Timestamp;
use crate::secret::{MasterKey, SealedPlace};
use crate::store::{Renewal, RenewalOf, SealedAccess, Store, StoreError, StoredCredential};
use std::sync::Arc;
use std::time::{Duration, Instant};
use uuid::Uuid;

/// The pause between two requests to the issuer after a failure, while the old token is
/// still valid.
const FAILURE_PAUSE: Duration = Duration::from_secs(20);
/// The pause between two tries to store a token. The new token must not be lost: the
/// service may have replaced the refresh token.
const STORE_PAUSE: Duration = Duration::from_millis(200);

#[derive(Debug)]
pub(super) struct Renewer {
    pub(super) store: Store,
    pub(super) master_key: Arc<MasterKey>,
    pub(super) oauth: OauthClient,
    pub(super) nango: Nango,
    pub(super) ahead: Duration,
    pub(super) timeout: Duration,
    pub(super) lease: Duration,
}

/// The outcome of a renewal.
#[derive(Clone, Debug)]
pub(super) enum Outcome {
    /// A new access token is stored.
    Stored,
    /// Another replica renews or has renewed it, or the credential was replaced.
    Overtaken,
    /// A person has to set a new credential.
    NeedsReauth { reason: String },
    /// A later try may succeed.
    Unavailable {
        reason: String,
        retry_after: Option<Duration>,
    },
}

impl From<Failure> for Outcome {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::NeedsReauth(reason) => Self::NeedsReauth { reason },
            Failure::Unavailable {
                reason,
                retry_after,
            } => Self::Unavailable {
                reason,
                retry_after,
            },
        }
    }
}

impl Renewer {
    /// Renews the access token of `stored`, unless another replica does. With `force`, the
    /// issuer renews it even if it considers the old one valid.
    pub(super) async fn renew(
        self: Arc<Self>,
        of: RenewalOf,
        stored: StoredCredential,
        credential: Credential,
        force: bool,
        now: Timestamp,
    ) -> Outcome {
        let tried = self.try_renew(of, &stored, credential, force, now).await;
        tried.unwrap_or_else(|error| {
            tracing::warn!(integration.id = %of.integration, %error, "could not renew an access token");
            Outcome::Unavailable {
                reason: "the database is unavailable".into(),
                retry_after: None,
            }
        })
    }

    async fn try_renew(
        &self,
        of: RenewalOf,
        stored: &StoredCredential,
        credential: Credential,
        force: bool,
        now: Timestamp,
    ) -> Result<Outcome, StoreError> {
        let begun = Instant::now();
        let claim = Uuid::now_v7();
        let until = now + self.lease;
        if !self.store.claim_renewal(of, claim, until, now).await? {
            return Ok(Outcome::Overtaken);
        }
        let asked = self.ask(credential, stored, force, now);
        let answered = match tokio::time::timeout(self.timeout, asked).await {
            Ok(answered) => answered,
            Err(_) => Err(Failure::unavailable(format!(
                "the issuer of access tokens did not answer within {} ms",
                self.timeout.as_millis()
            ))),
        };
        let now = now + begun.elapsed();
        let failure = match answered {
            Ok(issued) => return self.keep(of, stored, issued, begun, now).await,
            Err(failure) => failure,
        };
        // While the old token is valid, callers use it and the issuer gets a pause.
        let expires_at = stored.access.as_ref().and_then(|access| access.expires_at);
        let is_good = !force && expires_at.is_some_and(|end| end > now + FAILURE_PAUSE);
        let pause = failure.retry_after().or(is_good.then_some(FAILURE_PAUSE));
        let retry_at = pause.map(|pause| now + pause);
        self.store
            .release_renewal(of.integration, claim, retry_at)
            .await?;
        // The refusal of a refresh token that was replaced meanwhile means nothing.
        if !self.is_current(of).await? {
            return Ok(Outcome::Overtaken);
        }
        tracing::info!(integration.id = %of.integration, "an access token was not renewed: {failure}");
        Ok(failure.into())
    }

    async fn ask(
        &self,
        credential: Credential,
        stored: &StoredCredential,
        force: bool,
        now: Timestamp,
    ) -> Result<Issued, Failure> {
        match credential {
            Credential::OauthRefresh { .. } => self.oauth.refresh(credential, now).await,
            Credential::Nango {
                provider_config_key,
            } => {
                let connection = stored.connection_id.as_deref();
                self.nango
                    .credentials(&provider_config_key, connection, force, now)
                    .await
            }
            Credential::Token { .. } => Err(Failure::unavailable("a token is not renewed")),
        }
    }

    async fn keep(
        &self,
        of: RenewalOf,
        stored: &StoredCredential,
        issued: Issued,
        begun: Instant,
        now: Timestamp,
    ) -> Result<Outcome, StoreError> {
        let (integration, seal_id) = (of.integration, stored.credential.seal_id);
        let place = SealedPlace::AccessToken {
            integration,
            seal_id,
        };
        let ahead = issued.expires_at.map(|end| renew_at(now, end, self.ahead));
        let renewal = Renewal {
            access: SealedAccess {
                sealed: self.master_key.seal_secret(&issued.access, place),
                expires_at: issued.expires_at,
                renew_at: issued.renew_at.or(ahead),
            },
            sealed: issued.credential.map(|credential| {
                credential::sealed(&self.master_key, integration, seal_id, &credential)
            }),
        };
        loop {
            let stored = self.store.store_renewal(of, &renewal, now).await;
            match stored {
                Err(error) if error.is_transient() && begun.elapsed() < self.lease => {
                    tracing::warn!(integration.id = %integration, %error, "could not store an access token; trying again");
                    tokio::time::sleep(STORE_PAUSE).await;
                }
                Err(error) => return Err(error),
                Ok(false) => return Ok(Outcome::Overtaken),
                Ok(true) => {
                    tracing::debug!(integration.id = %integration, "an access token was renewed");
                    return Ok(Outcome::Stored);
                }
            }
        }
    }

    async fn is_current(&self, of: RenewalOf) -> Result<bool, StoreError> {
        let stored = self.store.credential(of.integration).await?;
        Ok(stored.is_some_and(|stored| {
            stored.revision == of.revision && stored.access_number == of.access_number
        }))
    }
}
