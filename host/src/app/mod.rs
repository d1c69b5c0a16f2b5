//! The process as a whole: which parts it opens, which tasks it starts, how it ends.
//!
//! Owns: the order of the start and of the shutdown. `serve` and the tests use it.
//! Never does: the work of a role; see `worker`, `api` and `sink`.

mod api_key;
mod clock_watch;
mod master_key;
mod relay;
mod roles;
mod setup;
mod shutdown;
mod starting;

pub use api_key::create_key;
pub use setup::{load_registry, open_store};

use crate::clock;
use crate::config::{Config, Role};
use crate::secret::Secret;
use crate::store::Store;
use anyhow::Context;
use roles::Launch;
use shutdown::{Stop, Tasks};
use starting::Starting;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;

/// A running host. Dropping it stops nothing: call [`App::stop`].
pub struct App {
    /// The address and port of its server.
    pub address: SocketAddr,
    /// Its store.
    pub store: Store,
    stop: Stop,
    tasks: Tasks,
    shutdown_max: Duration,
}

impl App {
    /// Starts the configured roles, and returns once the server accepts requests.
    ///
    /// A first start on an empty embedded database creates an API key. `show_first_key`
    /// gets it before the server answers a request.
    ///
    /// # Errors
    /// If the address, the database, the master key, a provider or Redis cannot be used;
    /// the message says which.
    pub async fn start(
        mut config: Config,
        show_first_key: impl FnOnce(&Secret),
    ) -> anyhow::Result<Self> {
        let (listener, address) = listen(&config).await?;
        config.listen = address.to_string();
        let starting = Starting::serve(&listener, &config)?;
        let store = setup::open_store_of_roles(&config).await?;
        store.migrate().await?;
        store.make_partitions(clock::now()).await?;
        let master_key = master_key::load(&config, &store).await?;
        let registry = load_registry(&config).await?;
        if let Some(key) = api_key::first_key(&store).await? {
            show_first_key(&key);
        }

        let mut launch = Launch {
            config: Arc::new(config),
            store: store.clone(),
            master_key: Arc::new(master_key),
            registry: Arc::new(registry),
            stop: Stop::default(),
            tasks: Tasks::default(),
        };
        let config = Arc::clone(&launch.config);
        launch.start_upkeep();
        if config.has_role(Role::Workers) {
            launch.start_inbox_worker();
            launch.start_poll_worker()?;
            launch.start_finalizer();
            launch.start_collector();
        }
        if config.has_role(Role::Scheduler) {
            launch.start_scheduler();
        }
        if config.has_role(Role::Dispatcher) {
            launch.start_dispatcher()?;
        }
        let mut webhooks = None;
        if config.has_role(Role::Ingress) {
            webhooks = Some(launch.start_ingress().await?);
        }
        starting.end().await;
        launch.start_server(listener, webhooks);
        tracing::info!(
            %address,
            database = store.engine(),
            roles = %config.roles.names(),
            providers = launch.registry.len(),
            "triggerhouse is ready"
        );
        Ok(Self {
            address,
            store,
            stop: launch.stop,
            tasks: launch.tasks,
            shutdown_max: config.shutdown_seconds_max.duration(),
        })
    }

    /// Returns the name of a task once it has ended before its time and the process cannot do
    /// without it: the caller should stop the process.
    pub async fn fallen(&self) -> &'static str {
        self.tasks.supervisor.fallen().await
    }

    /// Makes `/readyz` answer 503, so that a load balancer sends requests elsewhere. The
    /// server still takes those that arrive.
    pub fn leave(&self) {
        self.stop.leaving.cancel();
    }

    /// Stops taking requests, finishes the claims, and closes the store. After
    /// `shutdown_seconds_max` the leases of the remaining claims expire.
    pub async fn stop(self) {
        shutdown::run(self.stop, self.tasks, self.store, self.shutdown_max).await;
    }
}

async fn listen(config: &Config) -> anyhow::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind(&config.listen)
        .await
        .with_context(|| format!("cannot listen on {}", config.listen))?;
    let address = listener.local_addr().context("the listening address")?;
    Ok((listener, address))
}
