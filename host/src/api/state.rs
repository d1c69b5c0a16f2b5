//! What handlers share.

use crate::config::Config;
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
    stop: CancellationToken,
}

impl AppState {
    /// What the host has set up before it takes requests. `stop` is cancelled when
    /// the process is about to end: nobody is kept waiting then, and `/readyz`
    /// sends requests elsewhere.
    pub fn new(
        store: Store,
        registry: Arc<Registry>,
        config: Arc<Config>,
        signals: Signals,
        master_key: Arc<MasterKey>,
        stop: CancellationToken,
    ) -> Self {
        Self(Arc::new(Shared {
            store,
            registry,
            config,
            signals,
            master_key,
            stop,
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

    /// Cancelled when the process is about to end.
    pub fn stop(&self) -> &CancellationToken {
        &self.0.stop
    }
}
