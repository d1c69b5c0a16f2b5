//! The tasks of each role.
//!
//! Owns: which tasks a role has, and which parts of the process each of them gets.
//! Never does: decide which roles run; see `App::start`.

use super::relay;
use super::setup::locks;
use super::shutdown::{Stop, Tasks};
use crate::api::{self, AppState};
use crate::config::Config;
use crate::credentials::Credentials;
use crate::egress::Egress;
use crate::ingress::{self, Door, InboxWriter, RateLimits, RouteCache};
use crate::measure::Figures;
use crate::provider::Registry;
use crate::secret::MasterKey;
use crate::server::{self, ServerLimits};
use crate::sink::Sender;
use crate::store::Store;
use crate::worker::{
    Collector, DispatchContext, Dispatcher, Finalizer, InboxContext, InboxWorker, PollContext,
    PollWorker, Scheduler,
};
use std::sync::Arc;
use tokio::net::TcpListener;
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
        let stop = self.stop.work.clone();
        self.tasks.work(async move {
            stop.run_until_cancelled(Figures::start().upkeep()).await;
        });
        let relay = relay::relay(self.store.clone(), self.stop.work.clone());
        self.tasks.work(relay);
    }

    /// Workers: process deliveries.
    pub(super) fn start_inbox_worker(&mut self) {
        let context = InboxContext {
            store: self.store.clone(),
            registry: Arc::clone(&self.registry),
            config: self.config.inbox.clone(),
            instances: usize::try_from(self.config.engine.instances).unwrap_or(usize::MAX),
            release: self.stop.release.clone(),
        };
        self.tasks
            .work(InboxWorker::run(context, self.stop.work.clone()));
    }

    /// Workers: poll services.
    pub(super) fn start_poll_worker(&mut self) -> anyhow::Result<()> {
        let (store, key) = (self.store.clone(), Arc::clone(&self.master_key));
        let context = PollContext {
            store: self.store.clone(),
            registry: Arc::clone(&self.registry),
            egress: Egress::new(self.config.egress.clone())?,
            credentials: Credentials::new(store, key, &self.config)?,
            config: self.config.polling.clone(),
            locks: locks(&self.config)?,
            polls_max: self.config.engine.poll_instances,
        };
        self.tasks
            .work(PollWorker::run(context, self.stop.work.clone()));
        Ok(())
    }

    /// Workers: end runs whose time is up.
    pub(super) fn start_finalizer(&mut self) {
        let finalizer = Finalizer::new(self.store.clone(), &self.config.runs);
        self.tasks.work(finalizer.run(self.stop.work.clone()));
    }

    /// Workers: delete old rows.
    pub(super) fn start_collector(&mut self) {
        let collector = Collector::new(self.store.clone(), self.config.retention.clone());
        self.tasks.work(collector.run(self.stop.work.clone()));
    }

    /// Scheduler: fire triggers by the clock.
    pub(super) fn start_scheduler(&mut self) {
        let scheduler = Scheduler::new(self.store.clone(), &self.config.scheduler);
        self.tasks.work(scheduler.run(self.stop.work.clone()));
    }

    /// Dispatcher: send messages to sinks.
    pub(super) fn start_dispatcher(&mut self) -> anyhow::Result<()> {
        let context = DispatchContext {
            store: self.store.clone(),
            sender: Sender::new(&self.config)?,
            master_key: Arc::clone(&self.master_key),
            config: self.config.sinks.clone(),
            start: self.config.runs.start_seconds.duration(),
        };
        self.tasks
            .work(Dispatcher::run(context, self.stop.server.clone()));
        Ok(())
    }

    /// Ingress: the webhook endpoints, with their routes, rates and writer.
    pub(super) async fn start_ingress(&mut self) -> anyhow::Result<OpenApiRouter> {
        let config = &self.config.ingress;
        let (store, key) = (self.store.clone(), Arc::clone(&self.master_key));
        let routes = RouteCache::load(store.clone(), key).await?;
        let (writer, task) = InboxWriter::new(store.clone(), config);
        self.tasks.serve(task.run());
        self.tasks.work(
            routes
                .clone()
                .follow(config.routes_refresh_ms.duration(), self.stop.work.clone()),
        );
        let (rates, stop) = (RateLimits::new(config), self.stop.work.clone());
        let sweep = rates.clone().sweep();
        self.tasks.work(async move {
            stop.run_until_cancelled(sweep).await;
        });
        let door = Door::new(&self.config, store, &self.registry, routes, rates, writer);
        Ok(ingress::router(door))
    }

    /// Every process: the HTTP server, with the webhook endpoints if there are any.
    pub(super) fn start_server(&mut self, listener: TcpListener, webhooks: Option<OpenApiRouter>) {
        let config = &self.config.ingress;
        let limits = ServerLimits {
            connections_max: config.connections_max.usize(),
            header_bytes_max: config.header_bytes_max.usize(),
            header_timeout: config.request_timeout_ms.duration(),
            drain_max: self.config.shutdown_seconds_max.duration() / 2,
        };
        let state = AppState::new(
            self.store.clone(),
            Arc::clone(&self.registry),
            Arc::clone(&self.config),
            Arc::clone(&self.master_key),
            self.stop.leaving.clone(),
            self.stop.server.clone(),
        );
        let router = api::router(state, webhooks);
        let stop = self.stop.server.clone();
        self.tasks
            .serve(server::serve(listener, router, limits, stop));
    }
}
