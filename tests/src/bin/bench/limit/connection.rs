//! The one connection of a limit: one writer, or one worker.

use sqlx::Row;
use uuid::Uuid;

use super::postgres::Postgres;
use super::sqlite::Sqlite;
use crate::database::Engine;

/// A delivery to store.
pub struct Delivery {
    pub id: Uuid,
    pub key: String,
    /// JSON.
    pub headers: String,
    /// Compressed.
    pub body: Vec<u8>,
    pub received_at_us: i64,
}

/// A claimed delivery, as far as its settlement needs it.
pub struct Claimed {
    pub id: Uuid,
    pub attempt: i32,
    pub key: String,
}

/// A claimed delivery with its event, run and message.
pub struct Settlement {
    pub delivery: Claimed,
    pub event: Uuid,
    pub run: Uuid,
    /// The facts of the event, as JSON.
    pub facts: String,
    /// The payload of the message, as JSON.
    pub payload: String,
}

/// The trigger of all deliveries.
pub struct Target {
    pub trigger: Uuid,
    pub automation: Uuid,
}

impl Target {
    /// A target with new ids.
    pub fn new() -> Self {
        Self {
            trigger: Uuid::now_v7(),
            automation: Uuid::now_v7(),
        }
    }
}

/// A connection to either database.
pub enum Connection {
    Postgres(Postgres),
    Sqlite(Sqlite),
}

impl Connection {
    /// Connects.
    pub async fn open(engine: Engine, url: &str) -> anyhow::Result<Self> {
        match engine {
            Engine::Postgres => Ok(Self::Postgres(Postgres::open(url).await?)),
            Engine::Sqlite => Ok(Self::Sqlite(Sqlite::open(url).await?)),
        }
    }

    /// Stores a batch in one transaction.
    pub async fn insert(&mut self, batch: Vec<Delivery>, target: &Target) -> anyhow::Result<()> {
        match self {
            Self::Postgres(connection) => connection.insert(batch, target).await,
            Self::Sqlite(connection) => connection.insert(batch, target).await,
        }
    }

    /// Claims up to `rows_max` due deliveries, bodies included.
    pub async fn claim(&mut self, rows_max: i64, lease_us: i64) -> anyhow::Result<Vec<Claimed>> {
        match self {
            Self::Postgres(connection) => connection.claim(rows_max, lease_us).await,
            Self::Sqlite(connection) => connection.claim(rows_max, lease_us).await,
        }
    }

    /// Settles a batch in one transaction; returns the number of completed deliveries.
    pub async fn settle(&mut self, batch: Vec<Settlement>, target: &Target) -> anyhow::Result<u64> {
        match self {
            Self::Postgres(connection) => connection.settle(batch, target).await,
            Self::Sqlite(connection) => connection.settle(batch, target).await,
        }
    }

    /// Updates the planner's statistics; without them the first plans are for an empty table.
    pub async fn analyze(&mut self) -> anyhow::Result<()> {
        match self {
            Self::Postgres(connection) => connection.analyze().await,
            Self::Sqlite(connection) => connection.analyze().await,
        }
    }
}

/// Reads a claimed row, body included, as a worker has to.
pub fn read_claimed<'r, R>(row: &'r R) -> Result<Claimed, sqlx::Error>
where
    R: Row,
    &'static str: sqlx::ColumnIndex<R>,
    Uuid: sqlx::Decode<'r, R::Database> + sqlx::Type<R::Database>,
    i32: sqlx::Decode<'r, R::Database> + sqlx::Type<R::Database>,
    String: sqlx::Decode<'r, R::Database> + sqlx::Type<R::Database>,
    Vec<u8>: sqlx::Decode<'r, R::Database> + sqlx::Type<R::Database>,
{
    let _body: Vec<u8> = row.try_get("body")?;
    Ok(Claimed {
        id: row.try_get("id")?,
        attempt: row.try_get("attempt")?,
        key: row.try_get("delivery_key")?,
    })
}
