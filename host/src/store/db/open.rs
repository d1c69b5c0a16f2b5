//! Opens SQLite and Postgres, brings their schemas up to date, and closes them.

use super::lock;
use crate::signals::Signals;
use crate::store::StoreError;
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{ConnectOptions, Connection};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::timeout;

/// The time limit of a ping.
const PING_MAX: Duration = Duration::from_secs(1);

/// Options for opening a database.
#[derive(Clone, Debug)]
pub struct StoreOptions {
    /// The number of connections (Postgres: all; SQLite: those for reading).
    pub connections_max: u32,
    /// The time that a call waits for a connection.
    pub acquire_timeout: Duration,
    /// The time limit of a statement on Postgres.
    pub answer_max: Duration,
    /// Creates an SQLite file that is missing.
    pub may_create: bool,
}

impl Default for StoreOptions {
    fn default() -> Self {
        Self {
            connections_max: 10,
            acquire_timeout: Duration::from_secs(5),
            answer_max: Duration::from_secs(20),
            may_create: true,
        }
    }
}

/// A handle to the database; cheap to clone.
#[derive(Clone, Debug)]
pub struct Store {
    pub(in crate::store) db: Db,
    pub(super) signals: Signals,
}

#[derive(Clone, Debug)]
pub(in crate::store) enum Db {
    Postgres(Postgres),
    Sqlite(Sqlite),
}

/// Postgres is on another machine, which may be gone without a word: a dead connection looks
/// like one whose statement takes long.
#[derive(Clone, Debug)]
pub(in crate::store) struct Postgres {
    pub(in crate::store) pool: PgPool,
    /// The time limit of a statement.
    pub(in crate::store) answer_max: Duration,
}

/// SQLite has one writer at a time: a pool of one queues writers fairly instead of letting
/// them collide.
#[derive(Clone, Debug)]
pub(in crate::store) struct Sqlite {
    pub(in crate::store) read: SqlitePool,
    pub(in crate::store) write: SqlitePool,
    file: PathBuf,
}

impl Store {
    /// Opens the database at `url`; creates an SQLite file that is missing if the options
    /// allow it.
    ///
    /// # Errors
    /// If the URL names no supported database, or the database cannot be reached.
    pub async fn open(url: &str, options: &StoreOptions) -> Result<Self, StoreError> {
        let scheme = url.split(':').next().unwrap_or_default();
        let db = match scheme {
            "postgres" | "postgresql" => Db::Postgres(open_postgres(url, options).await?),
            "sqlite" => Db::Sqlite(open_sqlite(url, options).await?),
            _ => return Err(StoreError::Url(without_password(url))),
        };
        Ok(Self {
            db,
            signals: Signals::default(),
        })
    }

    /// The signals that its writes raise. A clone of the handle shares them; another handle
    /// hears of them only through the database.
    pub fn signals(&self) -> &Signals {
        &self.signals
    }

    /// Brings the schema up to date. Safe to call from several processes.
    ///
    /// # Errors
    /// If a migration fails, or the database was migrated by a newer version.
    pub async fn migrate(&self) -> Result<(), StoreError> {
        match &self.db {
            // Without a time limit: an index on a large table takes its time.
            Db::Postgres(postgres) => {
                sqlx_macros::migrate!("../migrations/postgres")
                    .run(&postgres.pool)
                    .await?
            }
            Db::Sqlite(sqlite) => {
                // sqlx takes no lock here: two processes would both apply the missing
                // migrations, and the second one would fail.
                let _lock = lock::exclusive(&sqlite.file).await;
                sqlx_macros::migrate!("../migrations/sqlite")
                    .run(&sqlite.write)
                    .await?
            }
        }
        Ok(())
    }

    /// Closes idle connections that are broken, after a call failed because of one: a
    /// restarted Postgres has broken them all.
    pub async fn discard_broken(&self) {
        if let Db::Postgres(postgres) = &self.db {
            postgres.discard_broken().await;
        }
    }

    /// `postgres` or `sqlite`.
    pub fn engine(&self) -> &'static str {
        match self.db {
            Db::Postgres(_) => "postgres",
            Db::Sqlite(_) => "sqlite",
        }
    }

    /// True if the database is a file of this machine.
    pub fn is_embedded(&self) -> bool {
        matches!(self.db, Db::Sqlite(_))
    }

    /// Closes all connections.
    pub async fn close(&self) {
        match &self.db {
            Db::Postgres(postgres) => postgres.pool.close().await,
            Db::Sqlite(sqlite) => {
                sqlite.read.close().await;
                sqlite.write.close().await;
            }
        }
    }
}

impl Postgres {
    /// Closes idle connections that give no answer.
    pub(super) async fn discard_broken(&self) {
        let mut pings = JoinSet::new();
        // All are held until each was pinged, or the pool would hand out the same one again.
        while let Some(mut connection) = self.pool.try_acquire() {
            pings.spawn(async move {
                let ping = timeout(PING_MAX, connection.ping()).await;
                if !matches!(ping, Ok(Ok(()))) {
                    connection.close_on_drop();
                }
                connection
            });
        }
        drop(pings.join_all().await);
    }
}

async fn open_postgres(url: &str, options: &StoreOptions) -> Result<Postgres, StoreError> {
    let connect = PgConnectOptions::from_str(url)
        .map_err(|_| StoreError::Url(without_password(url)))?
        .application_name("triggerhouse")
        .disable_statement_logging();
    let pool = PgPoolOptions::new()
        // One more listens for signals.
        .max_connections(options.connections_max.saturating_sub(1).max(1))
        .acquire_timeout(options.acquire_timeout)
        // A ping before each use would cost every statement a second round trip. A
        // connection that broke fails one call and is replaced: the writer and the
        // workers try again, an API call is answered with 503 and Retry-After.
        .test_before_acquire(false)
        .connect_with(connect.clone())
        .await;
    match pool {
        // The pool retried until its time was up, and does not say why: ask once more.
        Err(sqlx::Error::PoolTimedOut) => match timeout(PING_MAX, connect.connect()).await {
            Ok(Err(reason)) => Err(reason.into()),
            _ => Err(sqlx::Error::PoolTimedOut.into()),
        },
        pool => Ok(Postgres {
            pool: pool?,
            answer_max: options.answer_max,
        }),
    }
}

async fn open_sqlite(url: &str, options: &StoreOptions) -> Result<Sqlite, StoreError> {
    let connect = SqliteConnectOptions::from_str(url)
        .map_err(|_| StoreError::Url(url.to_owned()))?
        .create_if_missing(options.may_create)
        .journal_mode(SqliteJournalMode::Wal)
        // An acknowledged delivery survives a power cut.
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(Duration::from_secs(10))
        .foreign_keys(true)
        .disable_statement_logging();
    let pool = |connections| {
        SqlitePoolOptions::new()
            .max_connections(connections)
            .acquire_timeout(options.acquire_timeout.max(Duration::from_secs(15)))
            .test_before_acquire(false)
    };
    let file = connect.get_filename().to_owned();
    if !options.may_create && !file.exists() {
        return Err(StoreError::NoFile(file));
    }
    // Changing a fresh file to WAL fails at once while another process does it.
    let lock = lock::exclusive(&file).await;
    let write = pool(1).connect_with(connect.clone()).await?;
    let read = pool(options.connections_max)
        .connect_with(connect.read_only(true))
        .await?;
    drop(lock);
    Ok(Sqlite { read, write, file })
}

/// The URL without its password, for messages.
fn without_password(url: &str) -> String {
    match (url.find("://"), url.rfind('@')) {
        (Some(scheme), Some(at)) if scheme + 3 <= at => {
            format!("{}…{}", &url[..scheme + 3], &url[at..])
        }
        _ => url.to_owned(),
    }
}
