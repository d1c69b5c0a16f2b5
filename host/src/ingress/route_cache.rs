//! The routes in memory: every trigger's token and every integration's id, with their
//! secrets. A request finds its route without asking the database.
//!
//! Each change of a route raises one counter in the database. A replica learns of a
//! change by signal, and also compares the counter from time to time.
//!
//! A request that this cache would refuse (no such token, a wrong signature) makes the
//! replica compare the counter once more. So a webhook is taken even if its trigger was
//! created on another replica a moment ago. All requests share that comparison, and there
//! is at most one in `RECHECK_PAUSE`: forged requests wait, and cost the database next to
//! nothing.

use crate::domain::delivery::{Origin, Route};
use crate::domain::{IntegrationId, Timestamp};
use crate::secret::{MasterKey, SealedPlace, Secret};
use crate::store::{RouteSource, RouteSubject, SealedSecret, Store, StoreError};
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// The shortest time between two comparisons that refused requests ask for.
const RECHECK_PAUSE: Duration = Duration::from_millis(25);
/// The longest that a request waits for such a comparison.
const RECHECK_MAX: Duration = Duration::from_secs(2);

/// A trigger or an integration to which deliveries may be sent.
#[derive(Debug)]
pub(super) struct WebhookRoute {
    /// The owner of its deliveries.
    pub(super) origin: Origin,
    /// The token in a trigger's URL.
    token: Option<String>,
    secrets: Vec<LiveSecret>,
}

#[derive(Debug)]
struct LiveSecret {
    secret: Arc<Secret>,
    expires_at: Option<Timestamp>,
}

/// The result of a comparison with the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Recheck {
    /// The routes have changed since the request arrived.
    Changed,
    /// The cache is up to date, and was when the request arrived.
    Unchanged,
    /// The database did not answer: the request can be neither taken nor refused.
    Unknown,
}

/// See the module; cheap to clone.
#[derive(Clone, Debug)]
pub struct RouteCache(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    store: Store,
    master_key: Arc<MasterKey>,
    routes: RwLock<Routes>,
    /// Held while the database is asked, so that requests share one comparison.
    progress: Mutex<Progress>,
}

#[derive(Debug, Default)]
struct Routes {
    by_subject: HashMap<Uuid, Arc<WebhookRoute>>,
    by_token: HashMap<String, Uuid>,
}

#[derive(Debug, Default)]
struct Progress {
    /// The counter's value up to which the cache has every change.
    revision: i64,
    /// The start of the last comparison that succeeded.
    compared: Option<Instant>,
    /// The start of the last comparison, successful or not.
    tried: Option<Instant>,
    /// The end of the last comparison that found a change.
    changed: Option<Instant>,
}

impl WebhookRoute {
    fn open(source: RouteSource, master_key: &MasterKey) -> Self {
        let (route, trigger, integration) = match source.subject {
            RouteSubject::Trigger(id) => (Route::Token, Some(id), None),
            RouteSubject::Integration(id) => (Route::Integration, None, Some(id)),
        };
        Self {
            origin: Origin {
                route,
                provider: source.provider,
                org: Some(source.org),
                trigger,
                integration,
            },
            token: source.token,
            secrets: source
                .secrets
                .into_iter()
                .filter_map(|sealed| LiveSecret::open(&sealed, master_key))
                .collect(),
        }
    }

    /// The secrets that are accepted at `now`.
    pub(super) fn secrets(&self, now: Timestamp) -> Vec<Arc<Secret>> {
        self.secrets
            .iter()
            .filter(|live| live.expires_at.is_none_or(|end| now < end))
            .map(|live| Arc::clone(&live.secret))
            .collect()
    }
}

impl LiveSecret {
    /// None for a secret that another master key sealed: it accepts nothing.
    fn open(sealed: &SealedSecret, master_key: &MasterKey) -> Option<Self> {
        match master_key.open_secret(&sealed.sealed, SealedPlace::SigningSecret(sealed.id)) {
            Ok(secret) => Some(Self {
                secret: Arc::new(secret),
                expires_at: sealed.expires_at,
            }),
            Err(error) => {
                tracing::error!(secret.id = %sealed.id, %error, "cannot open a webhook secret; is this the right master key?");
                None
            }
        }
    }
}

impl Routes {
    fn remove(&mut self, subject: Uuid) {
        if let Some(route) = self.by_subject.remove(&subject)
            && let Some(token) = &route.token
        {
            self.by_token.remove(token);
        }
    }

    fn insert(&mut self, subject: Uuid, route: WebhookRoute) {
        if let Some(token) = &route.token {
            self.by_token.insert(token.clone(), subject);
        }
        self.by_subject.insert(subject, Arc::new(route));
    }
}

impl RouteCache {
    /// Reads all routes.
    ///
    /// # Errors
    /// If the database is unavailable.
    pub async fn load(store: Store, master_key: Arc<MasterKey>) -> Result<Self, StoreError> {
        let cache = Self(Arc::new(Inner {
            store,
            master_key,
            routes: RwLock::default(),
            progress: Mutex::default(),
        }));
        cache.refresh().await?;
        Ok(cache)
    }

    /// The route of the trigger with this token.
    pub(super) fn by_token(&self, token: &str) -> Option<Arc<WebhookRoute>> {
        let routes = self.0.routes.read().unwrap_or_else(PoisonError::into_inner);
        let subject = routes.by_token.get(token)?;
        routes.by_subject.get(subject).cloned()
    }

    /// The route of an integration.
    pub(super) fn by_integration(&self, id: IntegrationId) -> Option<Arc<WebhookRoute>> {
        let routes = self.0.routes.read().unwrap_or_else(PoisonError::into_inner);
        let route = routes.by_subject.get(&id.0);
        route
            .filter(|route| route.origin.route == Route::Integration)
            .cloned()
    }

    /// Compares the cache with the database, unless a comparison has begun since `since`,
    /// when a request arrived. Returns whether the routes have changed since then.
    ///
    /// A new comparison begins `RECHECK_PAUSE` after the last one. All requests that wait
    /// for it share its result, also if it fails. None waits longer than `RECHECK_MAX`.
    pub(super) async fn recheck(&self, since: Instant) -> Recheck {
        match tokio::time::timeout(RECHECK_MAX, self.recheck_unbounded(since)).await {
            Ok(recheck) => recheck,
            Err(_) => {
                // Every waiting request would log this. The one that asks the database
                // logs the cause.
                tracing::debug!("comparing routes with the database takes too long");
                Recheck::Unknown
            }
        }
    }

    async fn recheck_unbounded(&self, since: Instant) -> Recheck {
        let is_after = |at: Option<Instant>| at.is_some_and(|at| at >= since);
        let mut progress = self.0.progress.lock().await;
        if !is_after(progress.compared) {
            if is_after(progress.tried) {
                return Recheck::Unknown;
            }
            if let Some(tried) = progress.tried {
                tokio::time::sleep_until(tried + RECHECK_PAUSE).await;
            }
            if let Err(error) = self.refresh_locked(&mut progress).await {
                tracing::warn!(%error, "could not compare routes with the database");
                return Recheck::Unknown;
            }
        }
        match progress.changed {
            Some(changed) if changed > since => Recheck::Changed,
            _ => Recheck::Unchanged,
        }
    }

    /// Brings the cache up to date.
    ///
    /// # Errors
    /// If the database is unavailable: the cache stays as it was.
    pub async fn refresh(&self) -> Result<(), StoreError> {
        let mut progress = self.0.progress.lock().await;
        self.refresh_locked(&mut progress).await
    }

    async fn refresh_locked(&self, progress: &mut Progress) -> Result<(), StoreError> {
        // Taken before the query: a change that commits while it runs is read again.
        let began = Instant::now();
        progress.tried = Some(began);
        let revision = self.0.store.route_revision().await?;
        if revision == progress.revision {
            progress.compared = Some(began);
            return Ok(());
        }
        let changes = self.0.store.route_changes(progress.revision).await?;
        let mut routes = self
            .0
            .routes
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        for change in changes {
            routes.remove(change.subject);
            if let Some(source) = change.source {
                routes.insert(
                    change.subject,
                    WebhookRoute::open(source, &self.0.master_key),
                );
            }
        }
        progress.revision = revision;
        progress.compared = Some(began);
        progress.changed = Some(Instant::now());
        Ok(())
    }

    /// Follows changes until `stop`.
    pub async fn follow(self, every: Duration, stop: CancellationToken) {
        let mut changed = self.0.store.signals().routes();
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = changed.raised() => {}
                () = tokio::time::sleep(every) => {}
            }
            if let Err(error) = self.refresh().await {
                tracing::warn!(%error, "could not refresh routes; keeping the known ones");
            }
        }
    }
}
