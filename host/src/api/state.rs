//! The state that handlers share.

use super::outbox::Lines;
use super::pulse::Pulse;
use super::sampler::Sampler;
use crate::config::Config;
use crate::domain::OrgId;
use crate::measure::Figures;
use crate::permits::KeyedPermits;
use crate::provider::Registry;
use crate::secret::MasterKey;
use crate::store::{Share, Store};
use crate::supervisor::Supervisor;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// The state that handlers share; cheap to clone.
#[derive(Clone, Debug)]
pub struct AppState(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    store: Store,
    registry: Arc<Registry>,
    config: Arc<Config>,
    master_key: Arc<MasterKey>,
    leaving: CancellationToken,
    stop: CancellationToken,
    supervisor: Supervisor,
    pulse: Pulse,
    figures: Figures,
    sampler: Sampler,
    waiting: Arc<KeyedPermits<OrgId>>,
    lines: Arc<Lines>,
}

impl AppState {
    /// Collects what the host sets up before it takes requests.
    ///
    /// `leaving` is cancelled when the process is asked to end; `/readyz` answers 503 from
    /// then on. `stop` is cancelled when it ends; consumers that wait are answered then.
    pub fn new(
        store: Store,
        registry: Arc<Registry>,
        config: Arc<Config>,
        master_key: Arc<MasterKey>,
        leaving: CancellationToken,
        stop: CancellationToken,
        supervisor: Supervisor,
    ) -> Self {
        let waiting = KeyedPermits::new(config.outbox.waiting_max.u32());
        Self(Arc::new(Shared {
            store: store.of(Share::Api),
            pulse: Pulse::of(&store),
            registry,
            config,
            master_key,
            leaving,
            stop,
            supervisor,
            figures: Figures::start(),
            sampler: Sampler::of(&store),
            waiting,
            lines: Arc::default(),
        }))
    }

    /// The database.
    pub fn store(&self) -> &Store {
        &self.0.store
    }

    /// The providers.
    pub fn registry(&self) -> &Registry {
        &self.0.registry
    }

    /// The configuration.
    pub fn config(&self) -> &Config {
        &self.0.config
    }

    /// The key that encrypts secrets.
    pub fn master_key(&self) -> &MasterKey {
        &self.0.master_key
    }

    /// The metrics.
    pub fn figures(&self) -> &Figures {
        &self.0.figures
    }

    /// The lines in which consumers wait for messages.
    pub fn lines(&self) -> &Arc<Lines> {
        &self.0.lines
    }

    /// The number of consumers that wait for messages.
    pub(super) fn waiting(&self) -> &Arc<KeyedPermits<OrgId>> {
        &self.0.waiting
    }

    /// The check that the database answers.
    pub(super) fn pulse(&self) -> &Pulse {
        &self.0.pulse
    }

    /// The sampler of the database's metrics.
    pub(super) fn sampler(&self) -> &Sampler {
        &self.0.sampler
    }

    /// The supervisor of the process's tasks.
    pub(super) fn supervisor(&self) -> &Supervisor {
        &self.0.supervisor
    }

    /// Cancelled when this process should get no more requests.
    pub fn leaving(&self) -> &CancellationToken {
        &self.0.leaving
    }

    /// Cancelled when the process is about to end.
    pub fn stop(&self) -> &CancellationToken {
        &self.0.stop
    }
}
