//! The secrets with which services are polled: what an integration was given, and the
//! access tokens that are got by it.
//!
//! Owns: what a credential holds and how it is sealed, and renewing access tokens once
//! for all replicas, ahead of their end.
//! Never does: attach a secret to a request, or set an integration's status. It says
//! that a credential no longer works; whoever polls settles that.
//!
//! Architecture invariants:
//! - Of all replicas one renews an access token at a time, by a claim in the database
//!   that lapses. Others use the token that there is while it is good, or wait.
//! - Whoever stores first has renewed: a renewal is stored only over the access token
//!   that it replaces, in one transaction with the refresh token that came with it.
//! - A renewal that has begun is not broken off because nobody waits for it any more:
//!   the service may have replaced the refresh token already.
//! - Nothing of what services answer shows but an error's code and description.

mod access;
mod answer;
mod credential;
mod flights;
mod nango;
mod oauth;
mod renewer;

pub use access::{Access, AccessError, AccessStamp, Want};
pub(crate) use credential::opens;
pub use credential::{ClientAuth, Credential, seal};

use crate::config::Config;
use crate::domain::{IntegrationId, Timestamp};
use crate::egress::{EgressError, HostClient, PublicUrls};
use crate::secret::{MasterKey, OpenError};
use crate::store::{RenewalOf, Store, StoredCredential};
use flights::InFlightRenewals;
use nango::Nango;
use oauth::OauthClient;
use renewer::{Outcome, Renewer};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How much longer a claim lasts than its renewal may take: time to store what it
/// brought, also if the database is away for a moment.
const LEASE_RESERVE: Duration = Duration::from_secs(5);
/// The pause before looking again whether another replica has renewed.
const PAUSE_MIN: Duration = Duration::from_millis(25);
/// The longest such pause.
const PAUSE_MAX: Duration = Duration::from_millis(400);

/// The credentials of all integrations: one per process, cheap to clone.
#[derive(Clone, Debug)]
pub struct Credentials(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    renewer: Arc<Renewer>,
    flights: Arc<InFlightRenewals>,
    /// The longest wait for a token: that two renewals take, one of them by a replica
    /// that died.
    patience: Duration,
}

/// Credentials cannot be had at all; final.
#[derive(Debug, thiserror::Error)]
pub enum CredentialsError {
    /// A setting makes no sense.
    #[error("{0}")]
    Setting(String),
    /// There is no HTTP client.
    #[error(transparent)]
    Client(#[from] EgressError),
}

/// An access token, and whether it is time for another one.
struct Usable {
    access: Access,
    is_due: bool,
}

impl Credentials {
    /// With these settings.
    ///
    /// # Errors
    /// See [`CredentialsError`].
    pub fn new(
        store: Store,
        master_key: Arc<MasterKey>,
        config: &Config,
    ) -> Result<Self, CredentialsError> {
        let urls = PublicUrls::new(&config.credentials.allow_hosts);
        let urls = urls.map_err(CredentialsError::Setting)?;
        Self::with(store, master_key, config, HostClient::public(urls)?)
    }

    /// With another client of token endpoints: for tests.
    ///
    /// # Errors
    /// See [`CredentialsError`].
    pub fn with(
        store: Store,
        master_key: Arc<MasterKey>,
        config: &Config,
        token_endpoints: HostClient,
    ) -> Result<Self, CredentialsError> {
        let timeout = Duration::from_millis(config.credentials.timeout_ms);
        let lease = timeout + LEASE_RESERVE;
        let renewer = Renewer {
            store,
            master_key,
            oauth: OauthClient::new(token_endpoints),
            nango: Nango::new(&config.nango)?,
            ahead: Duration::from_secs(config.credentials.refresh_ahead_seconds),
            timeout,
            lease,
        };
        Ok(Self(Arc::new(Inner {
            renewer: Arc::new(renewer),
            flights: Arc::default(),
            patience: lease * 2,
        })))
    }

    /// What to attach to a poll's requests now. Renews it ahead of its end.
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
                return Access::given(token, stored.revision, want);
            }
            let of = RenewalOf {
                integration,
                revision: stored.revision,
                access_number: stored.access_number,
            };
            // What was got while this call waited is used, however short its life.
            let is_new = first.is_some_and(|first| first != of);
            first.get_or_insert(of);
            let usable = self.usable(&stored, of, want, now, is_new)?;
            let usable = match usable {
                Some(usable) if !usable.is_due => return Ok(usable.access),
                usable => usable.map(|usable| usable.access),
            };
            if let Some(at) = stored.retry_at.filter(|at| *at > now) {
                return usable.ok_or_else(|| AccessError::left_alone(at, now));
            }
            let busy = stored.claimed_until.is_some_and(|until| until > now);
            if let (true, Some(access)) = (busy, &usable) {
                return Ok(access.clone());
            }
            let force = want != Want::Any;
            let flight = self.0.flights.join(of, force);
            let outcome = match flight {
                Some(flight) => flight.landed().await,
                None if busy => Outcome::Overtaken,
                None => self.renew(of, stored, credential, force, now).await,
            };
            match outcome {
                Outcome::Stored => {}
                Outcome::Overtaken if begun.elapsed() < self.0.patience => {
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(PAUSE_MAX);
                }
                // Told before the old one ends: the sooner somebody hears of it, the
                // better.
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
        self.0.flights.start(of, force, renewal).landed().await
    }

    /// The access token that is stored, unless it is past, or was refused.
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
        let context = credential::access_context(of.integration, stored.credential.seal_id);
        let secret = key.open_secret(&access.sealed, &context);
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

/// For the operator: the master key is another one, or the database was meddled with.
fn unreadable(integration: IntegrationId, error: OpenError) -> AccessError {
    tracing::error!(integration.id = %integration, %error, "a credential cannot be opened");
    AccessError::Unavailable {
        reason: format!("the stored credential cannot be opened: {error}"),
        retry_after: None,
    }
}
