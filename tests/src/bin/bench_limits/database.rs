//! The two databases behind one type: what the limits write and claim.

use sqlx::Row;
use uuid::Uuid;

use crate::postgres::Postgres;
use crate::sqlite::Sqlite;

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

/// A claimed delivery, as far as the settlement needs it.
pub struct Claimed {
    pub id: Uuid,
    pub attempt: i32,
    pub key: String,
}

/// What a claimed delivery becomes.
pub struct Settlement {
    pub delivery: Claimed,
    pub event: Uuid,
    pub run: Uuid,
    /// JSON, of the event.
    pub facts: String,
    /// JSON, of the outbox message.
    pub payload: String,
}

/// What all settlements of a run share.
pub struct Target {
    pub trigger: Uuid,
    pub automation: Uuid,
}

/// One connection: the limits have one writer, and one worker.
pub enum Database {
    Postgres(Postgres),
    Sqlite(Sqlite),
}

impl Database {
    /// Connects and makes fresh tables: each limit is measured from an empty start, as the server is.
    pub async fn fresh(url: &str) -> anyhow::Result<Self> {
        if url.starts_with("sqlite:") {
            Ok(Self::Sqlite(Sqlite::fresh(url).await?))
        } else {
            Ok(Self::Postgres(Postgres::fresh(url).await?))
        }
    }

    /// Stores a batch in one transaction.
    pub async fn insert(&mut self, batch: Vec<Delivery>, target: &Target) -> anyhow::Result<()> {
        match self {
            Self::Postgres(database) => database.insert(batch, target).await,
            Self::Sqlite(database) => database.insert(batch, target).await,
        }
    }

    /// Claims up to `rows_max` deliveries that are due, their bodies included.
    pub async fn claim(&mut self, rows_max: i64, lease_us: i64) -> anyhow::Result<Vec<Claimed>> {
        match self {
            Self::Postgres(database) => database.claim(rows_max, lease_us).await,
            Self::Sqlite(database) => database.claim(rows_max, lease_us).await,
        }
    }

    /// Settles a batch in one transaction; returns how many deliveries are completed.
    pub async fn settle(&mut self, batch: Vec<Settlement>, target: &Target) -> anyhow::Result<u64> {
        match self {
            Self::Postgres(database) => database.settle(batch, target).await,
            Self::Sqlite(database) => database.settle(batch, target).await,
        }
    }

    /// Runs a section that has no parameters.
    pub async fn run(&mut self, section: &str) -> anyhow::Result<()> {
        match self {
            Self::Postgres(database) => database.run(section).await,
            Self::Sqlite(database) => database.run(section).await,
        }
    }
}

/// Reads a claimed row, its body too, as a worker has to.
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
