//! The two databases behind one type.

use super::{StoreError, lock};
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{ConnectOptions, Connection, Executor};
use std::io;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::timeout;

/// How long a connection may take to show that it works.
const PING_MAX: Duration = Duration::from_secs(1);

/// How to open a database.
#[derive(Clone, Debug)]
pub struct StoreOptions {
    /// Connections that are kept at most (Postgres: in all; SQLite: for reading).
    pub connections_max: u32,
    /// How long a call waits for a connection.
    pub acquire_timeout: Duration,
    /// How long Postgres may take to answer a call.
    pub answer_max: Duration,
    /// Whether an SQLite file that is missing is made.
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
    pub(super) db: Db,
}

#[derive(Clone, Debug)]
pub(super) enum Db {
    Postgres(Postgres),
    Sqlite(Sqlite),
}

/// Postgres is somewhere else: it may be gone without a word, and a connection on which
/// nobody answers any more looks like one on which somebody thinks.
#[derive(Clone, Debug)]
pub(super) struct Postgres {
    pub(super) pool: PgPool,
    /// How long it may take to answer a call.
    pub(super) answer_max: Duration,
}

/// SQLite has one writer at a time: a pool of one queues writers fairly instead
/// of letting them collide.
#[derive(Clone, Debug)]
pub(super) struct Sqlite {
    pub(super) read: SqlitePool,
    pub(super) write: SqlitePool,
    file: PathBuf,
}

/// Runs `$body`, which ends in a `Result`, on a connection to Postgres. One on which no
/// answer comes in time is closed: given back to the pool, it would be waited for.
macro_rules! on_postgres {
    ($postgres:expr, $connection:ident => $body:block) => {{
        let postgres: &$crate::store::pool::Postgres = $postgres;
        let mut held = postgres.pool.acquire().await?;
        let done = {
            let $connection = &mut *held;
            tokio::time::timeout(postgres.answer_max, async { $body }).await
        };
        match done {
            Ok(done) => done,
            Err(_) => Err(postgres.give_up(held).await),
        }
    }};
}

/// Runs `$body` on a connection for reading, whichever database it is.
macro_rules! read {
    ($store:expr, $connection:ident => $body:expr) => {
        match &$store.db {
            $crate::store::pool::Db::Postgres(postgres) => {
                $crate::store::pool::on_postgres!(postgres, $connection => {
                    Ok::<_, $crate::store::StoreError>($body)
                })?
            }
            $crate::store::pool::Db::Sqlite(sqlite) => {
                let $connection = &sqlite.read;
                $body
            }
        }
    };
}

/// Runs `$body`, which ends in a `Result`, in a transaction of its own: committed
/// if it is `Ok`, rolled back otherwise. `return` and `?` in the body leave the
/// body only.
macro_rules! write {
    ($store:expr, $tx:ident => $body:block) => {
        match &$store.db {
            $crate::store::pool::Db::Postgres(postgres) => {
                $crate::store::pool::on_postgres!(postgres, connection => {
                    let mut transaction = sqlx::Connection::begin(connection).await?;
                    let result = {
                        let $tx = &mut transaction;
                        async { $body }.await
                    };
                    if result.is_ok() {
                        transaction.commit().await?;
                    }
                    result
                })
            }
            $crate::store::pool::Db::Sqlite(sqlite) => {
                // Immediate: a transaction that reads first and writes later
                // would otherwise fail when another process writes in between.
                let mut transaction = sqlite.write.begin_with("begin immediate").await?;
                let result = {
                    let $tx = &mut transaction;
                    async { $body }.await
                };
                if result.is_ok() {
                    transaction.commit().await?;
                }
                result
            }
        }
    };
}

pub(super) use {on_postgres, read, write};

impl Store {
    /// Opens the database at `url`; an SQLite file is created where it is missing and the
    /// options allow it.
    ///
    /// # Errors
    /// If the URL names no supported database, or it cannot be reached.
    pub async fn open(url: &str, options: &StoreOptions) -> Result<Self, StoreError> {
        let scheme = url.split(':').next().unwrap_or_default();
        let db = match scheme {
            "postgres" | "postgresql" => Db::Postgres(open_postgres(url, options).await?),
            "sqlite" => Db::Sqlite(open_sqlite(url, options).await?),
            _ => return Err(StoreError::Url(without_password(url))),
        };
        Ok(Self { db })
    }

    /// Brings the schema up to date. Safe to call from several processes.
    ///
    /// # Errors
    /// If a migration fails, or the database was migrated by a newer version.
    pub async fn migrate(&self) -> Result<(), StoreError> {
        match &self.db {
            // As long as it takes: an index on a large table is not made in no time.
            Db::Postgres(postgres) => {
                sqlx::migrate!("../migrations/postgres")
                    .run(&postgres.pool)
                    .await?
            }
            Db::Sqlite(sqlite) => {
                // sqlx locks nothing here: two processes would both apply what is
                // missing, and the second one fail.
                let _lock = lock::exclusive(&sqlite.file).await;
                sqlx::migrate!("../migrations/sqlite")
                    .run(&sqlite.write)
                    .await?
            }
        }
        Ok(())
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// If it does not.
    pub async fn ping(&self) -> Result<(), StoreError> {
        read!(self, pool => { pool.execute("select 1").await?; });
        Ok(())
    }

    /// Closes idle connections that the database has given up, after a call failed
    /// because of one: a restarted Postgres has broken them all.
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

    /// Whether the database is a file of this machine.
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
    /// Closes a connection on which no answer came, and those that fell silent with it.
    pub(super) async fn give_up(&self, mut silent: PoolConnection<sqlx::Postgres>) -> StoreError {
        silent.close_on_drop();
        drop(silent);
        self.discard_broken().await;
        self.unanswered()
    }

    pub(super) fn unanswered(&self) -> StoreError {
        let reason = format!("no answer within {} s", self.answer_max.as_secs());
        StoreError::Unavailable(io::Error::new(io::ErrorKind::TimedOut, reason).into())
    }

    async fn discard_broken(&self) {
        let mut pings = JoinSet::new();
        // All are held until each was asked, or the same one would come again.
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
        // It has tried all the time, and does not say why in vain.
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

/// A URL that may stand in a message.
fn without_password(url: &str) -> String {
    match (url.find("://"), url.rfind('@')) {
        (Some(scheme), Some(at)) if scheme + 3 <= at => {
            format!("{}…{}", &url[..scheme + 3], &url[at..])
        }
        _ => url.to_owned(),
    }
}
