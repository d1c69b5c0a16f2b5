//! Renews one access token: claims, asks whoever issues it, and stores what came.

use super::answer::{Failure, Got};
use super::credential::{self, Credential};
use super::nango::Nango;
use super::oauth::OauthClient;
use crate::domain::Timestamp;
use crate::domain::credential::renew_at;
use crate::secret::MasterKey;
use crate::store::{Renewal, RenewalOf, SealedAccess, Store, StoreError, StoredCredential};
use std::sync::Arc;
use std::time::{Duration, Instant};
use uuid::Uuid;

/// The pause before storing is tried again. What the service gave must not be lost: it
/// How long whoever issues access tokens is not asked after a failure, while the old one
/// is good.
const UNASKED: Duration = Duration::from_secs(20);
/// may have replaced the refresh token.
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

/// What came of a renewal.
#[derive(Clone, Debug)]
pub(super) enum Outcome {
    /// There is another access token.
    Stored,
    /// Somebody else renews, or has renewed, or the credential is another one.
    Overtaken,
    /// There will be none before somebody sets a new credential.
    NeedsReauth { reason: String },
    /// There is none now.
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
    /// Renews the access token of `stored`, unless somebody else does. With `force`,
    /// also one that whoever issues it thinks is good.
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
        let got = match tokio::time::timeout(self.timeout, asked).await {
            Ok(got) => got,
            Err(_) => Err(Failure::unavailable(format!(
                "whoever issues access tokens did not answer within {} ms",
                self.timeout.as_millis()
            ))),
        };
        let now = now + begun.elapsed();
        let failure = match got {
            Ok(got) => return self.keep(of, stored, got, begun, now).await,
            Err(failure) => failure,
        };
        // While the old one is good nobody need wait for the next attempt.
        let expires_at = stored.access.as_ref().and_then(|access| access.expires_at);
        let is_good = !force && expires_at.is_some_and(|end| end > now + UNASKED);
        let pause = failure.retry_after().or(is_good.then_some(UNASKED));
        let retry_at = pause.map(|pause| now + pause);
        self.store
            .release_renewal(of.integration, claim, retry_at)
            .await?;
        // A refusal of a refresh token that somebody else has replaced by now, says
        // nothing.
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
    ) -> Result<Got, Failure> {
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
        got: Got,
        begun: Instant,
        now: Timestamp,
    ) -> Result<Outcome, StoreError> {
        let (integration, seal_id) = (of.integration, stored.credential.seal_id);
        let access = got.access.expose().as_bytes();
        let context = credential::access_context(integration, seal_id);
        let ahead = got.expires_at.map(|end| renew_at(now, end, self.ahead));
        let renewal = Renewal {
            access: SealedAccess {
                sealed: self.master_key.seal(access, &context),
                expires_at: got.expires_at,
                renew_at: got.renew_at.or(ahead),
            },
            sealed: got.credential.map(|credential| {
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
