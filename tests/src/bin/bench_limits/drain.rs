//! How fast a running server works off what its ingress stored, and hands over what came of it.
//!
//! Looks into the server's own tables: its API counts nothing, and paging through it would cost the server time.

use std::time::{Duration, Instant};

use anyhow::Context;
use sqlx::Connection;
use sqlx::postgres::PgConnection;
use sqlx::sqlite::SqliteConnection;

/// Rare enough that the question costs the server next to nothing.
const SAMPLE_EVERY: Duration = Duration::from_millis(200);

/// Whatever is not settled has a time when it is due next.
const LEFT: &str = "select count(*) from inbox where due_at is not null";
/// The same for "any?", which ends at the first row of the index. Without the order it would be looked for in the
/// table, past everything that is settled already.
const ANY_LEFT: &str = "select count(*) from (select 1 from inbox where due_at is not null order by due_at limit 1) as first_left";

/// Messages that nobody has yet.
const WAITING: &str = "select count(*) from outbox where due_at is not null";

enum Database {
    Postgres(PgConnection),
    Sqlite(SqliteConnection),
}

pub async fn run(database_url: &str, timeout_seconds: u64) -> anyhow::Result<()> {
    let mut database = Database::connect(database_url).await?;
    let backlog = database.number(LEFT).await?;
    let started_at = Instant::now();
    let timeout = Duration::from_secs(timeout_seconds);
    let mut left = backlog;
    while left > 0 && started_at.elapsed() < timeout {
        tokio::time::sleep(SAMPLE_EVERY).await;
        left = database.number(ANY_LEFT).await?;
    }
    let seconds = started_at.elapsed().as_secs_f64();
    if left > 0 {
        left = database.number(LEFT).await?;
    }
    let drained = backlog - left;
    println!(
        "backlog={backlog} drained={drained} left={left} seconds={seconds:.2} rows_per_s={:.0}",
        drained as f64 / seconds
    );
    Ok(())
}

/// For `seconds`, or until nothing is left.
pub async fn hand_over(database_url: &str, seconds: u64) -> anyhow::Result<()> {
    let mut database = Database::connect(database_url).await?;
    let waiting = database.number(WAITING).await?;
    let started_at = Instant::now();
    tokio::time::sleep(Duration::from_secs(seconds)).await;
    let left = database.number(WAITING).await?;
    let seconds = started_at.elapsed().as_secs_f64();
    println!(
        "waiting={waiting} left={left} seconds={seconds:.2} messages_per_s={:.0}",
        (waiting - left) as f64 / seconds
    );
    Ok(())
}

impl Database {
    async fn connect(url: &str) -> anyhow::Result<Self> {
        let connected = if url.starts_with("sqlite:") {
            SqliteConnection::connect(url).await.map(Self::Sqlite)
        } else {
            PgConnection::connect(url).await.map(Self::Postgres)
        };
        connected.with_context(|| format!("cannot connect to {url}"))
    }

    async fn number(&mut self, query: &'static str) -> anyhow::Result<i64> {
        let number = match self {
            Self::Postgres(connection) => sqlx::query_scalar(query).fetch_one(connection).await,
            Self::Sqlite(connection) => sqlx::query_scalar(query).fetch_one(connection).await,
        };
        number.context("cannot count what is left")
    }
}
