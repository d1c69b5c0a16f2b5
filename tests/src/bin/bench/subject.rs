//! A server on an empty database, with a trigger to send to.

use std::sync::Arc;

use triggerhouse::store::Store;

use crate::api::{Api, Hook};
use crate::database::{Database, Engine};
use crate::deliveries::Deliveries;
use crate::load::{Load, load};
use crate::server::Server;
use crate::settings::Settings;

/// The organization of the trigger.
const ORG: &str = "default";

/// A server and all that a measurement needs of it.
pub struct Subject {
    pub database: Database,
    pub store: Store,
    pub server: Server,
    pub api: Api,
    pub hook: Hook,
    deliveries: Arc<Deliveries>,
}

impl Subject {
    /// Sets one up; `name` must be unique within the run. The server does not run.
    pub async fn create(settings: &Settings, engine: Engine, name: &str) -> anyhow::Result<Self> {
        let database = Database::create(settings, engine, name).await?;
        Self::of(settings, database, ORG, name).await
    }

    /// Sets one up in a database that may have data, for an organization of its own.
    pub async fn of(
        settings: &Settings,
        database: Database,
        org: &str,
        name: &str,
    ) -> anyhow::Result<Self> {
        let server = Server::new(settings, &database, name);
        let key = server.create_key(org, &database).await?;
        let api = Api::new(server.url(), key);
        // The first start of a run compiles the providers, all others find them compiled.
        let running = server.start().await?;
        let hook = api.create_hook().await?;
        running.stop().await?;
        let deliveries = Arc::new(Deliveries::new(&hook.url, &hook.secret)?);
        let store = database.store().await?;
        Ok(Self {
            database,
            store,
            server,
            api,
            hook,
            deliveries,
        })
    }

    /// Sends deliveries to the trigger for a while.
    pub async fn load(&self, settings: &Settings, connections: usize) -> anyhow::Result<Load> {
        load(&self.deliveries, connections, settings.seconds).await
    }

    /// Removes the database. The server must have stopped.
    pub async fn remove(self) -> anyhow::Result<()> {
        self.store.close().await;
        self.database.remove().await
    }
}
