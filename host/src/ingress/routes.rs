//! The routes that this process knows: every trigger's token and every
//! integration's id, with their secrets. A request finds its route without asking
//! the database; a replica learns of changes by signal, and looks by itself from
//! time to time.
//!
//! A request that would be refused for what this table does not know (no such
//! token, a wrong signature) is checked against the database's revision first, so
//! a webhook that is sent right after its trigger was created on another replica
//! is taken. That check is shared by all requests and made at most once in
//! `RECHECK_PAUSE`: forged requests cost the database next to nothing, and wait.

use crate::domain::delivery::{Origin, Route};
use crate::domain::{IntegrationId, Timestamp, TriggerId};
use crate::secret::{MasterKey, Secret, secret_context};
use crate::signals::Signals;
use crate::store::{RouteSource, RouteSubject, SealedSecret, Signal, Store, StoreError};
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// The shortest time between two checks that refused requests ask for.
const RECHECK_PAUSE: Duration = Duration::from_millis(25);
/// The longest that a request waits for such a check.
const RECHECK_MAX: Duration = Duration::from_secs(2);

/// Where a delivery may come in, and with which secrets.
#[derive(Debug)]
pub struct Source {
    /// To whom its deliveries belong.
    pub origin: Origin,
    token: Option<String>,
    secrets: Vec<LiveSecret>,
}

#[derive(Debug)]
struct LiveSecret {
    secret: Arc<Secret>,
    expires_at: Option<Timestamp>,
}

impl Source {
    /// The secrets that are accepted at `now`.
    pub fn secrets(&self, now: Timestamp) -> Vec<Arc<Secret>> {
        self.secrets
            .iter()
            .filter(|live| live.expires_at.is_none_or(|end| now < end))
            .map(|live| Arc::clone(&live.secret))
            .collect()
    }
}

/// What a comparison with the database showed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recheck {
    /// The table knows more than when the request arrived.
    Changed,
    /// The table knows everything, and did when the request arrived.
    Unchanged,
    /// The database could not be asked: nothing may be concluded.
    Unknown,
}

/// See the module; cheap to clone.
#[derive(Clone, Debug)]
pub struct RouteTable(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    store: Store,
    master_key: Arc<MasterKey>,
    known: RwLock<Known>,
    refresh: Mutex<Refresh>,
}

#[derive(Debug, Default)]
struct Known {
    by_subject: HashMap<Uuid, Arc<Source>>,
    by_token: HashMap<String, Uuid>,
}

#[derive(Debug, Default)]
struct Refresh {
    /// Up to which everything is known.
    revision: i64,
    /// When the last comparison that succeeded began.
    compared: Option<Instant>,
    /// When the last comparison began, whatever came of it.
    tried: Option<Instant>,
    /// When the last change was learnt.
    changed: Option<Instant>,
}

impl RouteTable {
    /// Reads all routes.
    ///
    /// # Errors
    /// If the database is unavailable.
    pub async fn load(store: Store, master_key: Arc<MasterKey>) -> Result<Self, StoreError> {
        let table = Self(Arc::new(Inner {
            store,
            master_key,
            known: RwLock::default(),
            refresh: Mutex::default(),
        }));
        table.refresh().await?;
        Ok(table)
    }

    /// The trigger that a token belongs to.
    pub fn by_token(&self, token: &str) -> Option<Arc<Source>> {
        let known = self.0.known.read().unwrap_or_else(PoisonError::into_inner);
        known
            .by_token
            .get(token)
            .and_then(|subject| known.by_subject.get(subject))
            .cloned()
    }

    /// An integration.
    pub fn by_integration(&self, id: IntegrationId) -> Option<Arc<Source>> {
        let known = self.0.known.read().unwrap_or_else(PoisonError::into_inner);
        known
            .by_subject
            .get(&id.0)
            .filter(|source| source.origin.route == Route::Integration)
            .cloned()
    }

    /// Makes sure that the table was compared with the database after `since`, when
    /// a request arrived, and says whether it has changed since then.
    ///
    /// Waits while the last comparison is younger than `RECHECK_PAUSE`; whoever
    /// else asks meanwhile shares the next one, also when it fails. Nobody waits
    /// longer than `RECHECK_MAX`.
    pub async fn recheck(&self, since: Instant) -> Recheck {
        match tokio::time::timeout(RECHECK_MAX, self.recheck_at_leisure(since)).await {
            Ok(recheck) => recheck,
            Err(_) => {
                // Each request that waits would say so; whoever gets through to the
                // database logs what is wrong with it.
                tracing::debug!("comparing routes with the database takes too long");
                Recheck::Unknown
            }
        }
    }

    async fn recheck_at_leisure(&self, since: Instant) -> Recheck {
        let after = |at: Option<Instant>| at.is_some_and(|at| at >= since);
        let mut refresh = self.0.refresh.lock().await;
        if !after(refresh.compared) {
            if after(refresh.tried) {
                return Recheck::Unknown;
            }
            if let Some(tried) = refresh.tried {
                tokio::time::sleep_until(tried + RECHECK_PAUSE).await;
            }
            if let Err(error) = self.refresh_locked(&mut refresh).await {
                tracing::warn!(%error, "could not compare routes with the database");
                return Recheck::Unknown;
            }
        }
        if refresh.changed.is_some_and(|changed| changed > since) {
            Recheck::Changed
        } else {
            Recheck::Unchanged
        }
    }

    /// Brings the table up to date.
    ///
    /// # Errors
    /// If the database is unavailable: the table stays as it was.
    pub async fn refresh(&self) -> Result<(), StoreError> {
        let mut refresh = self.0.refresh.lock().await;
        self.refresh_locked(&mut refresh).await
    }

    async fn refresh_locked(&self, refresh: &mut Refresh) -> Result<(), StoreError> {
        // Before the query: what is committed while it runs is read once more.
        let began = Instant::now();
        refresh.tried = Some(began);
        let revision = self.0.store.route_revision().await?;
        if revision == refresh.revision {
            refresh.compared = Some(began);
            return Ok(());
        }
        let changes = self.0.store.route_changes(refresh.revision).await?;
        let mut known = self.0.known.write().unwrap_or_else(PoisonError::into_inner);
        for change in changes {
            known.forget(change.subject);
            if let Some(source) = change.source {
                known.learn(change.subject, open(source, &self.0.master_key));
            }
        }
        refresh.revision = revision;
        refresh.compared = Some(began);
        refresh.changed = Some(Instant::now());
        Ok(())
    }

    /// Follows changes until `stop`.
    pub async fn follow(self, signals: Signals, every: Duration, stop: CancellationToken) {
        let mut changed = signals.waiter(Signal::Routes);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = changed.raised() => {}
                () = tokio::time::sleep(every) => {}
            }
            if let Err(error) = self.refresh().await {
                tracing::warn!(%error, "could not refresh routes; keeping those of before");
            }
        }
    }
}

impl Known {
    fn forget(&mut self, subject: Uuid) {
        if let Some(source) = self.by_subject.remove(&subject)
            && let Some(token) = &source.token
        {
            self.by_token.remove(token);
        }
    }

    fn learn(&mut self, subject: Uuid, source: Source) {
        if let Some(token) = &source.token {
            self.by_token.insert(token.clone(), subject);
        }
        self.by_subject.insert(subject, Arc::new(source));
    }
}

fn open(source: RouteSource, master_key: &MasterKey) -> Source {
    let (route, trigger, integration): (_, Option<TriggerId>, Option<IntegrationId>) =
        match source.subject {
            RouteSubject::Trigger(id) => (Route::Token, Some(id), None),
            RouteSubject::Integration(id) => (Route::Integration, None, Some(id)),
        };
    Source {
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
            .filter_map(|sealed| open_secret(sealed, master_key))
            .collect(),
    }
}

/// A secret that cannot be opened (another master key) accepts nothing.
fn open_secret(sealed: SealedSecret, master_key: &MasterKey) -> Option<LiveSecret> {
    match master_key.open_secret(&sealed.sealed, &secret_context(sealed.id)) {
        Ok(secret) => Some(LiveSecret {
            secret: Arc::new(secret),
            expires_at: sealed.expires_at,
        }),
        Err(error) => {
            tracing::error!(secret.id = %sealed.id, %error, "cannot open a webhook secret; is this the right master key?");
            None
        }
    }
}
