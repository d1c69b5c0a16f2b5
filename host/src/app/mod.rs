//! The whole of it: opens the store, loads the registry, and starts what the
//! configured roles need. Used by `serve` and by the tests.

mod master_key;

use crate::api::{self, AppState};
use crate::clock;
use crate::config::{Config, Role};
use crate::credentials::Credentials;
use crate::domain::OrgId;
use crate::egress::Egress;
use crate::ingress::{self, Door, InboxWriter, RateLimits, RouteCache};
use crate::lock::Locks;
use crate::measure::Figures;
use crate::provider::{Cache, Engine, Registry};
use crate::secret::{Secret, generate_api_key, hash_api_key};
use crate::server::{self, ServerLimits};
use crate::signals::Signals;
use crate::sink::Sender;
use crate::store::{ApiKey, Store, StoreOptions};
use crate::worker::{
    Collector, DispatchContext, Dispatcher, Finalizer, InboxContext, InboxWorker, PollContext,
    PollWorker, Scheduler,
};
use anyhow::Context;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Characters of an API key that are kept for people.
const KEY_HINT_CHARS: usize = 8;
/// What is left for giving claims back: a part of the time for a shutdown.
const RELEASE_PART: u32 = 8;
/// How long the store may take to close its connections.
const CLOSE_MAX: Duration = Duration::from_secs(2);

/// A running host. Dropping it stops nothing: call [`App::stop`].
pub struct App {
    /// Where it listens.
    pub address: SocketAddr,
    /// Its store.
    pub store: Store,
    stop: Stop,
    shutdown_max: Duration,
    tasks: Tasks,
}

/// Work stops in this order: who brings new work, then who does it.
#[derive(Clone, Default)]
struct Stop {
    /// `/readyz` sends requests elsewhere.
    leaving: CancellationToken,
    server: CancellationToken,
    work: CancellationToken,
    /// What is still being worked on is given back.
    release: CancellationToken,
}

#[derive(Default)]
struct Tasks {
    server: Vec<JoinHandle<()>>,
    work: Vec<JoinHandle<()>>,
}

impl App {
    /// Starts everything and returns once requests are taken.
    ///
    /// A first start on an empty embedded database makes an API key, which is shown
    /// before anybody is answered.
    ///
    /// # Errors
    /// If something that was configured cannot be had; the message says what.
    pub async fn start(
        mut config: Config,
        show_first_key: impl FnOnce(&Secret),
    ) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(&config.listen)
            .await
            .with_context(|| format!("cannot listen on {}", config.listen))?;
        let address = listener.local_addr().context("the listening address")?;
        config.listen = address.to_string();
        let store = open_store(&config, true).await?;
        store.migrate().await?;
        let master_key = Arc::new(master_key::load(&config, &store).await?);
        let registry = Arc::new(load_registry(&config).await?);
        if let Some(key) = first_key(&store).await? {
            show_first_key(&key);
        }

        let config = Arc::new(config);
        let signals = Signals::default();
        let (stop, mut tasks) = (Stop::default(), Tasks::default());
        let tidy = stop.work.clone();
        tasks.work.push(tokio::spawn(async move {
            tidy.run_until_cancelled(Figures::start().upkeep()).await;
        }));
        tasks.work.push(tokio::spawn(
            signals.clone().relay(store.clone(), stop.work.clone()),
        ));
        if config.has_role(Role::Workers) {
            let context = InboxContext {
                store: store.clone(),
                registry: Arc::clone(&registry),
                signals: signals.clone(),
                config: config.inbox.clone(),
                release: stop.release.clone(),
            };
            tasks
                .work
                .push(tokio::spawn(InboxWorker::run(context, stop.work.clone())));
            let finalizer = Finalizer::new(store.clone(), &config.runs);
            tasks
                .work
                .push(tokio::spawn(finalizer.run(stop.work.clone())));
            let context = PollContext {
                store: store.clone(),
                registry: Arc::clone(&registry),
                signals: signals.clone(),
                egress: Egress::new(config.egress.clone())?,
                credentials: Credentials::new(store.clone(), Arc::clone(&master_key), &config)?,
                config: config.polling.clone(),
                locks: locks(&config)?,
                polls_max: config.engine.poll_instances,
            };
            tasks
                .work
                .push(tokio::spawn(PollWorker::run(context, stop.work.clone())));
            let collector = Collector::new(store.clone(), config.retention.clone());
            tasks
                .work
                .push(tokio::spawn(collector.run(stop.work.clone())));
        }
        if config.has_role(Role::Scheduler) {
            let scheduler = Scheduler::new(store.clone(), signals.clone(), &config.scheduler);
            tasks
                .work
                .push(tokio::spawn(scheduler.run(stop.work.clone())));
        }
        if config.has_role(Role::Dispatcher) {
            let context = DispatchContext {
                store: store.clone(),
                signals: signals.clone(),
                sender: Sender::new(&config)?,
                master_key: Arc::clone(&master_key),
                config: config.sinks.clone(),
                start: Duration::from_secs(config.runs.start_seconds),
            };
            tasks
                .work
                .push(tokio::spawn(Dispatcher::run(context, stop.server.clone())));
        }
        let webhooks = if config.has_role(Role::Ingress) {
            let routes = RouteCache::load(store.clone(), Arc::clone(&master_key)).await?;
            let (writer, task) = InboxWriter::new(store.clone(), signals.clone(), &config.ingress);
            tasks.server.push(tokio::spawn(task.run()));
            let every = Duration::from_millis(config.ingress.routes_refresh_ms);
            tasks.work.push(tokio::spawn(routes.clone().follow(
                signals.clone(),
                every,
                stop.work.clone(),
            )));
            let (rates, quiet) = (RateLimits::new(&config.ingress), stop.work.clone());
            let sweep = rates.clone().sweep();
            tasks.work.push(tokio::spawn(async move {
                quiet.run_until_cancelled(sweep).await;
            }));
            let store = store.clone();
            let door = Door::new(&config, store, &registry, routes, rates, writer);
            Some(ingress::router(door))
        } else {
            None
        };
        let shutdown_max = config.shutdown_max();
        let limits = ServerLimits {
            connections_max: config.ingress.connections_max,
            header_bytes_max: config.ingress.header_bytes_max,
            header_timeout: Duration::from_millis(config.ingress.request_timeout_ms),
            drain_max: shutdown_max / 2,
        };
        let state = AppState::new(
            store.clone(),
            Arc::clone(&registry),
            Arc::clone(&config),
            signals,
            master_key,
            stop.leaving.clone(),
            stop.server.clone(),
        );
        let router = api::router(state, webhooks);
        tasks.server.push(tokio::spawn(server::serve(
            listener,
            router,
            limits,
            stop.server.clone(),
        )));
        tracing::info!(
            %address,
            database = store.engine(),
            roles = %roles(&config),
            providers = registry.len(),
            "triggerhouse is ready"
        );
        Ok(Self {
            address,
            store,
            stop,
            shutdown_max,
            tasks,
        })
    }

    /// Says on `/readyz` that requests should go elsewhere, and takes them all the same.
    pub fn leave(&self) {
        self.stop.leaving.cancel();
    }

    /// Stops taking requests, finishes what was claimed, and closes the store;
    /// what is not done within the configured time is left to its lease.
    ///
    /// Requests get half of that time, so that one slow client cannot take what the
    /// workers need to settle; the writer may use half of the rest. In the last part of
    /// it, deliveries that are still being worked on are given back, so that nobody has
    /// to wait for their leases.
    pub async fn stop(self) {
        let begun = Instant::now();
        let all = begun + self.shutdown_max;
        self.leave();
        let release = self.stop.release.clone();
        let release_at = all - self.shutdown_max / RELEASE_PART;
        let releasing = tokio::spawn(async move {
            tokio::time::sleep_until(release_at).await;
            release.cancel();
        });
        // The writer ends with the last request, which holds a handle to it.
        self.stop.server.cancel();
        let served = ended(self.tasks.server, begun + self.shutdown_max * 3 / 4).await;
        self.stop.work.cancel();
        let worked = ended(self.tasks.work, all).await;
        if !(served && worked) {
            tracing::warn!(
                "the shutdown took too long; what was claimed is taken over when its lease lapses"
            );
        }
        releasing.abort();
        let _ = tokio::time::timeout(CLOSE_MAX, self.store.close()).await;
    }
}

/// Waits for tasks until `deadline`, and aborts those that are left; returns
/// whether there was none.
async fn ended(tasks: Vec<JoinHandle<()>>, deadline: Instant) -> bool {
    let mut all = true;
    for mut task in tasks {
        if tokio::time::timeout_at(deadline, &mut task).await.is_err() {
            task.abort();
            all = false;
        }
    }
    all
}

fn roles(config: &Config) -> String {
    let names: Vec<&str> = config.roles.iter().map(|role| role.as_str()).collect();
    names.join(",")
}

/// Opens the configured database, which is made where it is an SQLite file that is missing
/// and `may_create` says so.
///
/// # Errors
/// If it cannot be reached.
pub async fn open_store(config: &Config, may_create: bool) -> anyhow::Result<Store> {
    let options = StoreOptions {
        connections_max: config.database_connections_max,
        answer_max: Duration::from_secs(config.database_answer_seconds_max),
        may_create,
        ..StoreOptions::default()
    };
    Store::open(&config.database_url, &options)
        .await
        .context("cannot open the database")
}

/// Loads the configured providers.
///
/// # Errors
/// If one of them is refused; the message says which and why.
pub async fn load_registry(config: &Config) -> anyhow::Result<Registry> {
    let engine = Engine::new(config.engine.clone())?;
    let directory =
        Some(Path::new(&config.providers_dir)).filter(|dir| !dir.as_os_str().is_empty());
    let cache = match cache_directory(config) {
        Some(directory) => Cache::at(&directory),
        None => Cache::disabled(),
    };
    Ok(Registry::load(&config.providers, directory, &engine, &cache).await?)
}

fn cache_directory(config: &Config) -> Option<PathBuf> {
    if !config.component_cache_dir.is_empty() {
        return Some(PathBuf::from(&config.component_cache_dir));
    }
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
    let base = std::env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(home)?;
    Some(base.join("triggerhouse"))
}

fn locks(config: &Config) -> anyhow::Result<Locks> {
    if config.redis_url.is_blank() {
        return Ok(Locks::none());
    }
    Locks::new(config.redis_url.expose()).context("redis_url")
}

async fn first_key(store: &Store) -> anyhow::Result<Option<Secret>> {
    if !store.is_embedded() || !store.is_empty().await? {
        return Ok(None);
    }
    let org: OrgId = OrgId::DEFAULT.parse()?;
    let (_, key) = create_key(store, &org, "first start").await?;
    Ok(Some(key))
}

/// Creates an API key; the key itself is known to nobody else.
///
/// # Errors
/// If the database is unavailable.
pub async fn create_key(
    store: &Store,
    org: &OrgId,
    name: &str,
) -> anyhow::Result<(ApiKey, Secret)> {
    let key = generate_api_key();
    let hint: String = key.expose().chars().take(KEY_HINT_CHARS).collect();
    let hash = hash_api_key(key.expose());
    let created = store
        .create_key(org, name, &hash, &hint, clock::now())
        .await?;
    Ok((created, key))
}
