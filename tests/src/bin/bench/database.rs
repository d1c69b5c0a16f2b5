//! An empty database of the server's own, and the questions that the server's store answers.

use std::path::PathBuf;

use anyhow::Context;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use triggerhouse::domain::Timestamp;
use triggerhouse::store::{Store, StoreOptions};

use crate::settings::Settings;

/// A supported database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    Postgres,
    Sqlite,
}

impl Engine {
    /// The name in the table.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Postgres => "Postgres",
            Self::Sqlite => "SQLite",
        }
    }
}

/// An empty database with the current tables.
pub struct Database {
    pub engine: Engine,
    pub url: String,
    place: Place,
}

enum Place {
    /// The name, and the URL of the server.
    Server(String, String),
    File(PathBuf),
}

impl Database {
    /// Creates one; `name` must be unique within the run.
    pub async fn create(settings: &Settings, engine: Engine, name: &str) -> anyhow::Result<Self> {
        let database = match engine {
            Engine::Postgres => Self::on_server(settings, name).await?,
            Engine::Sqlite => {
                let file = settings.directory.join(format!("{name}.db"));
                Self {
                    engine,
                    url: format!("sqlite://{}", file.display()),
                    place: Place::File(file),
                }
            }
        };
        let store = database.store().await?;
        store.migrate().await?;
        store.make_partitions(triggerhouse::clock::now()).await?;
        store.close().await;
        Ok(database)
    }

    async fn on_server(settings: &Settings, name: &str) -> anyhow::Result<Self> {
        let server = &settings.postgres_url;
        let (base, _) = server
            .rsplit_once('/')
            .context("the URL of Postgres has no path")?;
        execute(server, format!("create database {name}")).await?;
        // Pages that an earlier measurement has left must not be written during this one.
        execute(server, "checkpoint".to_owned()).await?;
        Ok(Self {
            engine: Engine::Postgres,
            url: format!("{base}/{name}"),
            place: Place::Server(name.to_owned(), server.clone()),
        })
    }

    /// A handle of its own; two connections suffice for one caller.
    pub async fn store(&self) -> anyhow::Result<Store> {
        let options = StoreOptions {
            connections_max: 2,
            ..StoreOptions::default()
        };
        Ok(Store::open(&self.url, &options).await?)
    }

    /// Removes it. Nothing may use it.
    pub async fn remove(self) -> anyhow::Result<()> {
        match self.place {
            Place::Server(name, server) => {
                execute(&server, format!("drop database {name} with (force)")).await?;
            }
            Place::File(file) => {
                for suffix in ["", "-wal", "-shm", ".lock"] {
                    let mut path = file.clone().into_os_string();
                    path.push(suffix);
                    // Not every file exists.
                    let _ = std::fs::remove_file(path);
                }
            }
        }
        Ok(())
    }
}

async fn execute(url: &str, sql: String) -> anyhow::Result<()> {
    let mut connection = PgConnection::connect(url)
        .await
        .context("cannot connect to Postgres")?;
    sqlx::raw_sql(AssertSqlSafe(sql))
        .execute(&mut connection)
        .await?;
    connection.close().await?;
    Ok(())
}

/// The time by this machine's clock.
pub fn now() -> Timestamp {
    triggerhouse::clock::now()
}
