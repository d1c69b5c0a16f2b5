//! Databases, one for each test.
#![allow(clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

use crate::wire::Wire;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, SqliteConnection};
use std::time::Duration;
use triggerhouse::store::{Store, StoreOptions};

/// The database engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A file.
    Sqlite,
    /// The private server that `make test` starts.
    Postgres,
}

/// A fresh database, gone after [`TestDb::remove`].
pub struct TestDb {
    /// The engine.
    pub kind: Kind,
    /// Its URL.
    pub url: String,
    /// A directory for the test.
    pub directory: tempfile::TempDir,
    name: String,
}

fn server() -> String {
    std::env::var("TRIGGERHOUSE_TEST_POSTGRES_URL")
        .expect("TRIGGERHOUSE_TEST_POSTGRES_URL is not set: run the tests with `make test`")
}

impl TestDb {
    /// The database of a test's own server, which removes it.
    ///
    /// # Panics
    /// If no directory can be created.
    pub fn of_server(url: &str) -> Self {
        Self {
            kind: Kind::Postgres,
            url: url.to_owned(),
            directory: tempfile::tempdir().expect("a directory"),
            name: String::new(),
        }
    }

    /// Creates one.
    ///
    /// # Panics
    /// If the server is missing.
    pub async fn create(kind: Kind) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let name = format!("test_{}", uuid::Uuid::now_v7().simple());
        let url = match kind {
            Kind::Sqlite => format!("sqlite://{}", directory.path().join("test.db").display()),
            Kind::Postgres => {
                let mut connection = PgConnection::connect(&server()).await.expect("Postgres");
                let create = format!("create database {name}");
                connection
                    .execute(AssertSqlSafe(create))
                    .await
                    .expect("a database");
                let (base, _) = server()
                    .rsplit_once('/')
                    .map(|(a, b)| (a.to_owned(), b.to_owned()))
                    .expect("a URL");
                format!("{base}/{name}")
            }
        };
        Self {
            kind,
            url,
            directory,
            name,
        }
    }

    /// The same database on Postgres, through a wire with this delay in each direction.
    ///
    /// # Panics
    /// If it is not on Postgres.
    pub async fn over_wire(&self, delay: Duration) -> (Self, Wire) {
        let (head, name) = self.url.rsplit_once('/').expect("a URL");
        let (user, server) = head.rsplit_once('@').expect("a user");
        let wire = Wire::slow(server, delay).await;
        let url = format!("{user}@127.0.0.1:{}/{name}", wire.port);
        (Self::of_server(&url), wire)
    }

    /// Opens the database and migrates it.
    ///
    /// # Panics
    /// If that fails.
    pub async fn store(&self) -> Store {
        let store = Store::open(&self.url, &StoreOptions::default())
            .await
            .expect("a store");
        store.migrate().await.expect("migrations");
        let now = triggerhouse::clock::now();
        store.make_partitions(now).await.expect("partitions");
        store
    }

    /// Runs SQL that the store has no method for, as an operator could.
    ///
    /// # Panics
    /// If the database refuses it.
    pub async fn execute(&self, sql: &str) {
        let sql = sqlx::raw_sql(AssertSqlSafe(sql.to_owned()));
        let done = match self.kind {
            Kind::Sqlite => sql.execute(&mut self.sqlite().await).await.map(drop),
            Kind::Postgres => sql.execute(&mut self.postgres().await).await.map(drop),
        };
        done.expect("executed");
    }

    /// Runs SQL in a transaction of its own on Postgres, which stays open until
    /// [`release`] has closed what is returned.
    ///
    /// # Panics
    /// If the database refuses it.
    pub async fn hold(&self, sql: &str) -> PgConnection {
        let mut connection = self.postgres().await;
        let sql = sqlx::raw_sql(AssertSqlSafe(format!("begin; {sql}")));
        sql.execute(&mut connection).await.expect("executed");
        connection
    }

    /// One number from a query, which sees the rows of all organizations.
    ///
    /// # Panics
    /// If the query fails or finds none.
    pub async fn number(&self, sql: &str) -> i64 {
        let sql = AssertSqlSafe(sql.to_owned());
        let number = match self.kind {
            Kind::Sqlite => {
                let mut connection = self.sqlite().await;
                sqlx::query_scalar(sql).fetch_one(&mut connection).await
            }
            Kind::Postgres => {
                let mut connection = self.postgres().await;
                sqlx::query_scalar(sql).fetch_one(&mut connection).await
            }
        };
        number.expect("a number")
    }

    /// The rows of a query that selects one text.
    ///
    /// # Panics
    /// If it fails.
    pub async fn texts(&self, sql: &str) -> Vec<String> {
        let text = AssertSqlSafe(sql.to_owned());
        let rows = match self.kind {
            Kind::Sqlite => {
                let mut connection = self.sqlite().await;
                sqlx::query_scalar(text).fetch_all(&mut connection).await
            }
            Kind::Postgres => {
                let mut connection = self.postgres().await;
                sqlx::query_scalar(text).fetch_all(&mut connection).await
            }
        };
        rows.expect("rows")
    }

    async fn sqlite(&self) -> SqliteConnection {
        SqliteConnection::connect(&self.url).await.expect("SQLite")
    }

    async fn postgres(&self) -> PgConnection {
        PgConnection::connect(&self.url).await.expect("Postgres")
    }

    /// Removes it.
    ///
    /// # Panics
    /// If the server is gone.
    pub async fn remove(&self) {
        if self.kind == Kind::Postgres {
            let mut connection = PgConnection::connect(&server()).await.expect("Postgres");
            let drop = format!("drop database {} with (force)", self.name);
            connection
                .execute(AssertSqlSafe(drop))
                .await
                .expect("dropped");
        }
    }
}

/// Ends a transaction that [`TestDb::hold`] has begun; what it did is undone.
///
/// # Panics
/// If the server is gone.
pub async fn release(held: PgConnection) {
    held.close().await.expect("closed");
}

/// Ends a transaction that [`TestDb::hold`] has begun; what it did is kept.
///
/// # Panics
/// If the server is gone.
pub async fn commit(mut held: PgConnection) {
    held.execute("commit").await.expect("committed");
    release(held).await;
}
