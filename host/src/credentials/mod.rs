//! The credentials that polls authenticate with, and the access tokens that they are
//! exchanged for.
//!
//! Owns: the fields of each kind of credential, and the renewal of access tokens, once for
//! all replicas and ahead of their expiry.
//! Never does: attach a secret to a request, or set an integration's status. It reports
//! that a credential no longer works; the poll worker settles that.
//!
//! Architecture invariants:
//! - One replica at a time renews an access token, under a claim in the database that
//!   expires. The others use the stored token while it is valid, or wait.
//! - The first replica to store a renewal wins: a renewal replaces only the access token
//!   that it started from, in one transaction with the new refresh token.
//! - A renewal runs to its end even if no caller waits for it: the service may have
//!   replaced the refresh token already.
//! - Logs and errors show the code and description of a service's error, and nothing else
//!   of its answer.

mod access;
mod answer;
mod credential;
mod in_flight;
mod nango;
mod oauth;
mod renew_at;
mod renewer;

pub use access::{Access, AccessError, AccessStamp, Want};
pub use credential::{ClientAuth, Credential, seal};

use crate::config::Config;
use crate::domain::{IntegrationId, Timestamp};
use crate::egress::{EgressError, HostClient};
use crate::secret::{MasterKey, OpenError, SealedPlace};
use crate::store::{RenewalOf, Store, StoredCredential};
use in_flight::InFlightRenewals;
use nango::Nango;
use oauth::OauthClient;
use renewer::{Outcome, Renewer};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The time that a claim lasts beyond its renewal's timeout. It is for storing the result,
/// even if the database is away for a moment.
const LEASE_RESERVE: Duration = Duration::from_secs(5);
/// The first pause before the stored token is read again while another replica renews it.
const PAUSE_MIN: Duration = Duration::from_millis(25);
/// The longest such pause.
const PAUSE_MAX: Duration = Duration::from_millis(400);

/// The credentials of all integrations: one per process, cheap to clone.
#[derive(Clone, Debug)]
pub struct Credentials(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    renewer: Arc<Renewer>,
    in_flight: Arc<InFlightRenewals>,
    /// The longest wait for another replica: the time of two renewals, one of them by a
    /// replica that died.
    patience: Duration,
}

/// The credentials cannot be set up. Final.
#[derive(Debug, thiserror::Error)]
pub enum CredentialsError {
    /// The HTTP client cannot start.
    #[error(transparent)]
    Client(#[from] EgressError),
}

/// A valid access token.
struct Usable {
    access: Access,
    /// True if it is time to renew it.
    is_due: bool,
}

impl Credentials {
    /// Credentials with the configured limits.
    ///
    /// # Errors
    /// See [`CredentialsError`].
    pub fn new(
        store: Store,
        master_key: Arc<MasterKey>,
        config: &Config,
    ) -> Result<Self, CredentialsError> {
        let urls = config.credentials.allow_hosts.clone();
        Self::with(store, master_key, config, HostClient::public(urls)?)
    }

    /// As [`Credentials::new`], with another client for token endpoints. For tests.
    ///
    /// # Errors
    /// See [`CredentialsError`].
    pub fn with(
        store: Store,
        master_key: Arc<MasterKey>,
        config: &Config,
        token_endpoints: HostClient,
    ) -> Result<Self, CredentialsError> {
        let timeout = config.credentials.timeout_ms.duration();
        let lease = timeout + LEASE_RESERVE;
        let renewer = Renewer {
            store,
            master_key,
            oauth: OauthClient::new(token_endpoints),
            nango: Nango::new(&config.nango)?,
            ahead: config.credentials.refresh_ahead_seconds.duration(),
            timeout,
            lease,
        };
        Ok(Self(Arc::new(Inner {
            renewer: Arc::new(renewer),
            in_flight: Arc::default(),
            patience: lease * 2,
        })))
    }

    /// The token for a poll's requests. Renews it ahead of its expiry.
    ///
    /// # Errors
    /// See [`AccessError`].
    pub async fn access(
        &self,
        integration: IntegrationId,
        want: Want,
        now: Timestamp,
    ) -> Result<Access, AccessError> {
        let begun = Instant::now();
        let mut pause = PAUSE_MIN;
        let mut first: Option<RenewalOf> = None;
        loop {
            let now = now + begun.elapsed();
            let Some(stored) = self.0.renewer.store.credential(integration).await? else {
                return Access::without_credential(want);
            };
            let credential = self.open(integration, &stored)?;
            if let Credential::Token { token } = credential {
                return Access::fixed(token, stored.revision, want);
            }
            let of = RenewalOf {
                integration,
                revision: stored.revision,
                access_number: stored.access_number,
            };
            // A token that was issued while this call waited is used, however soon it
            // expires.
            let is_new = first.is_some_and(|first| first != of);
            first.get_or_insert(of);
            let usable = self.usable(&stored, of, want, now, is_new)?;
            let usable = match usable {
                Some(usable) if !usable.is_due => return Ok(usable.access),
                usable => usable.map(|usable| usable.access),
            };
            if let Some(at) = stored.retry_at.filter(|at| *at > now) {
                return usable.ok_or_else(|| AccessError::paused(at, now));
            }
            let busy = stored.claimed_until.is_some_and(|until| until > now);
            if let (true, Some(access)) = (busy, &usable) {
                return Ok(access.clone());
            }
            let force = want != Want::Any;
            let outcome = match self.0.in_flight.join(of, force) {
                Some(renewal) => renewal.outcome().await,
                None if busy => Outcome::Overtaken,
                None => self.renew(of, stored, credential, force, now).await,
            };
            match outcome {
                Outcome::Stored => {}
                Outcome::Overtaken if begun.elapsed() < self.0.patience => {
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(PAUSE_MAX);
                }
                // Reported even while the old token is valid: a person has to act, and the
                // sooner, the better.
                Outcome::NeedsReauth { .. } => {
                    return Err(AccessError::of(outcome, of.revision));
                }
                trouble => return usable.ok_or_else(|| AccessError::of(trouble, of.revision)),
            }
        }
    }

    async fn renew(
        &self,
        of: RenewalOf,
        stored: StoredCredential,
        credential: Credential,
        force: bool,
        now: Timestamp,
    ) -> Outcome {
        let renewer = Arc::clone(&self.0.renewer);
        let renewal = renewer.renew(of, stored, credential, force, now);
        self.0.in_flight.start(of, force, renewal).outcome().await
    }

    /// The stored access token, unless it has expired or the service refused it.
    fn usable(
        &self,
        stored: &StoredCredential,
        of: RenewalOf,
        want: Want,
        now: Timestamp,
        is_new: bool,
    ) -> Result<Option<Usable>, AccessError> {
        let Some(access) = &stored.access else {
            return Ok(None);
        };
        if want.refuses(of) || (!is_new && access.expires_at.is_some_and(|at| at <= now)) {
            return Ok(None);
        }
        let key = &self.0.renewer.master_key;
        let place = SealedPlace::AccessToken {
            integration: of.integration,
            seal_id: stored.credential.seal_id,
        };
        let secret = key.open_secret(&access.sealed, place);
        let secret = secret.map_err(|error| unreadable(of.integration, error))?;
        Ok(Some(Usable {
            access: Access::renewable(secret, of),
            is_due: !is_new && access.renew_at.is_some_and(|at| at <= now),
        }))
    }

    fn open(
        &self,
        integration: IntegrationId,
        stored: &StoredCredential,
    ) -> Result<Credential, AccessError> {
        credential::open(&self.0.renewer.master_key, integration, &stored.credential)
            .map_err(|error| unreadable(integration, error))
    }
}

/// Logged for the operator: the master key is another one, or the database was tampered
/// with.
fn unreadable(integration: IntegrationId, error: OpenError) -> AccessError {
    tracing::error!(integration.id = %integration, %error, "a credential cannot be opened");
    AccessError::Unavailable {
        reason: format!("the stored credential cannot be opened: {error}"),
        retry_after: None,
    }
}
