//! What handlers share.

use super::metrics::Sampled;
use crate::config::Config;
use crate::domain::OrgId;
use crate::measure::Figures;
use crate::permits::KeyedPermits;
use crate::provider::Registry;
use crate::secret::MasterKey;
use crate::signals::Signals;
use crate::store::Store;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// What handlers share; cheap to clone.
#[derive(Clone, Debug)]
pub struct AppState(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    store: Store,
    registry: Arc<Registry>,
    config: Arc<Config>,
    signals: Signals,
    master_key: Arc<MasterKey>,
    leaving: CancellationToken,
    stop: CancellationToken,
    figures: Figures,
    sampled: Sampled,
    waiting: Arc<KeyedPermits<OrgId>>,
}

impl AppState {
    /// What the host has set up before it takes requests. `leaving` is cancelled when
    /// the process was asked to end: `/readyz` sends requests elsewhere then. `stop` is
    /// cancelled when it ends: nobody is kept waiting.
    pub fn new(
        store: Store,
        registry: Arc<Registry>,
        config: Arc<Config>,
        signals: Signals,
        master_key: Arc<MasterKey>,
        leaving: CancellationToken,
        stop: CancellationToken,
    ) -> Self {
        let waiting = KeyedPermits::new(config.outbox.waiting_max);
        Self(Arc::new(Shared {
            store,
            registry,
            config,
            signals,
            master_key,
            leaving,
            stop,
            figures: Figures::start(),
            sampled: Sampled::default(),
            waiting,
        }))
    }

    /// The database.
    pub fn store(&self) -> &Store {
        &self.0.store
    }

    /// What can run.
    pub fn registry(&self) -> &Registry {
        &self.0.registry
    }

    /// The configuration.
    pub fn config(&self) -> &Config {
        &self.0.config
    }

    /// Wakes workers, and consumers that wait for messages.
    pub fn signals(&self) -> &Signals {
        &self.0.signals
    }

    /// Seals webhook secrets.
    pub fn master_key(&self) -> &MasterKey {
        &self.0.master_key
    }

    /// What is measured.
    pub fn figures(&self) -> &Figures {
        &self.0.figures
    }

    /// Consumers that wait for messages.
    pub(super) fn waiting(&self) -> &Arc<KeyedPermits<OrgId>> {
        &self.0.waiting
    }

    /// When the database was asked what waits.
    pub(super) fn sampled(&self) -> &Sampled {
        &self.0.sampled
    }

    /// Cancelled when requests should be sent elsewhere.
    pub fn leaving(&self) -> &CancellationToken {
        &self.0.leaving
    }

    /// Cancelled when the process is about to end.
    pub fn stop(&self) -> &CancellationToken {
        &self.0.stop
    }
}
