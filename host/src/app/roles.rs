//! The tasks of each role.
//!
//! Owns: which tasks a role has, and which parts of the process each of them gets.
//! Never does: decide which roles run; see `App::start`.

use super::setup::{locks, server_limits};
use super::shutdown::{Stop, Tasks};
use super::{clock_watch, relay};
use crate::api::{self, AppState};
use crate::config::Config;
use crate::credentials::Credentials;
use crate::egress::Egress;
use crate::ingress::{self, Door, InboxWriter, RateLimits, RouteCache};
use crate::measure::Figures;
use crate::provider::Registry;
use crate::secret::MasterKey;
use crate::server;
use crate::sink::Sender;
use crate::store::{Share, Store};
use crate::worker::{
    Collector, DispatchContext, Dispatcher, Finalizer, InboxContext, InboxWorker, PollContext,
    PollWorker, Scheduler,
};
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use utoipa_axum::router::OpenApiRouter;

/// The parts that the roles share, and the tasks that they have started.
pub(super) struct Launch {
    pub(super) config: Arc<Config>,
    pub(super) store: Store,
    pub(super) master_key: Arc<MasterKey>,
    pub(super) registry: Arc<Registry>,
    pub(super) stop: Stop,
    pub(super) tasks: Tasks,
}

impl Launch {
    /// Every process: the figures of `/metrics`, and signals from other replicas.
    pub(super) fn start_upkeep(&mut self) {
        self.work("figures", |stop| async move {
            stop.run_until_cancelled(Figures::start().upkeep()).await;
        });
        if !self.store.is_embedded() {
            let store = self.store.of(Share::Health);
            self.work("clock", move |stop| clock_watch::run(store.clone(), stop));
            let store = self.store.of(Share::Health);
            self.work("signals", move |stop| relay::relay(store.clone(), stop));
        }
    }

    /// Workers: process deliveries.
    pub(super) fn start_inbox_worker(&mut self) {
        let context = InboxContext {
            store: self.store.of(Share::Workers),
            registry: Arc::clone(&self.registry),
            config: self.config.inbox.clone(),
            instances: usize::try_from(self.config.engine.instances).unwrap_or(usize::MAX),
            release: self.stop.release.clone(),
        };
        self.work("inbox worker", move |stop| {
            InboxWorker::run(context.clone(), stop)
        });
    }

    /// Workers: poll services.
    pub(super) fn start_poll_worker(&mut self) -> anyhow::Result<()> {
        let (store, key) = (self.store.of(Share::Workers), Arc::clone(&self.master_key));
        let context = PollContext {
            store: store.clone(),
            registry: Arc::clone(&self.registry),
            egress: Egress::new(self.config.egress.clone())?,
            credentials: Credentials::new(store, key, &self.config)?,
            config: self.config.polling.clone(),
            locks: locks(&self.config)?,
            polls_max: self.config.engine.poll_instances,
        };
        self.work("poll worker", move |stop| {
            PollWorker::run(context.clone(), stop)
        });
        Ok(())
    }

    /// Workers: end runs whose time is up.
    pub(super) fn start_finalizer(&mut self) {
        let (store, config) = (self.store.of(Share::Workers), Arc::clone(&self.config));
        self.work("finalizer", move |stop| {
            Finalizer::new(store.clone(), &config.runs).run(stop)
        });
    }

    /// Workers: delete old rows.
    pub(super) fn start_collector(&mut self) {
        let (store, config) = (self.store.of(Share::Workers), Arc::clone(&self.config));
        self.work("collector", move |stop| {
            Collector::new(store.clone(), config.retention.clone()).run(stop)
        });
    }

    /// Scheduler: fire triggers by the clock.
    pub(super) fn start_scheduler(&mut self) {
        let (store, config) = (self.store.of(Share::Workers), Arc::clone(&self.config));
        self.work("scheduler", move |stop| {
            Scheduler::new(store.clone(), &config.scheduler).run(stop)
        });
    }

    /// Dispatcher: send messages to sinks.
    pub(super) fn start_dispatcher(&mut self) -> anyhow::Result<()> {
        let context = Arc::new(DispatchContext {
            store: self.store.of(Share::Workers),
            sender: Sender::new(&self.config)?,
            master_key: Arc::clone(&self.master_key),
            config: self.config.sinks.clone(),
            start: self.config.runs.start_seconds.duration(),
        });
        let stop = self.stop.server.clone();
        self.tasks.work("dispatcher", stop, move |stop| {
            Dispatcher::run(Arc::clone(&context), stop)
        });
        Ok(())
    }

    /// Starts a task that ends after the server.
    fn work<F>(
        &mut self,
        name: &'static str,
        task: impl Fn(CancellationToken) -> F + Send + 'static,
    ) where
        F: Future<Output = ()> + Send + 'static,
    {
        self.tasks.work(name, self.stop.work.clone(), task);
    }

    /// Ingress: the webhook endpoints, with their routes, rates and writer.
    pub(super) async fn start_ingress(&mut self) -> anyhow::Result<OpenApiRouter> {
        let config = &self.config.ingress;
        let (store, key) = (self.store.of(Share::Door), Arc::clone(&self.master_key));
        let routes = RouteCache::load(store.clone(), key).await?;
        let (writer, task) = InboxWriter::new(self.store.of(Share::Writer), config);
        self.tasks.serve("writer", &self.stop, task.run());
        let every = config.routes_refresh_ms.duration();
        let rates = RateLimits::new(config);
        let followed = routes.clone();
        self.work("routes", move |stop| followed.clone().follow(every, stop));
        let swept = rates.clone();
        self.work("rates", move |stop| {
            let sweep = swept.clone().sweep();
            async move {
                stop.run_until_cancelled(sweep).await;
            }
        });
        let door = Door::new(&self.config, store, &self.registry, routes, rates, writer);
        Ok(ingress::router(door))
    }

    /// Every process: the HTTP server, with the webhook endpoints if there are any.
    pub(super) fn start_server(&mut self, listener: TcpListener, webhooks: Option<OpenApiRouter>) {
        let limits = server_limits(&self.config);
        let state = AppState::new(
            self.store.clone(),
            Arc::clone(&self.registry),
            Arc::clone(&self.config),
            Arc::clone(&self.master_key),
            self.stop.leaving.clone(),
            self.stop.server.clone(),
            self.tasks.supervisor.clone(),
        );
        let (lines, store) = (Arc::clone(state.lines()), self.store.of(Share::Api));
        self.work("consumers", move |stop| {
            Arc::clone(&lines).serve(store.clone(), stop)
        });
        let router = api::router(state, webhooks);
        let stop = self.stop.server.clone();
        let serve = server::serve(listener, router, limits, stop);
        self.tasks.serve("server", &self.stop, serve);
    }
}
