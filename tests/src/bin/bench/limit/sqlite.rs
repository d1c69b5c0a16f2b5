//! The limits on SQLite, as durable as the server: write-ahead log, `synchronous=FULL`. One
//! transaction per batch.

use std::str::FromStr;

use anyhow::Context;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection};

use super::connection::{Claimed, Delivery, Settlement, Target, read_claimed};
use super::sql::{SQLITE, delivery_digest, now_us};

/// A connection.
pub struct Sqlite {
    connection: SqliteConnection,
}

impl Sqlite {
    pub async fn open(url: &str) -> anyhow::Result<Self> {
        let connection = SqliteConnectOptions::from_str(url)?
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .connect()
            .await;
        let mut connection = connection.with_context(|| format!("cannot open {url}"))?;
        sqlx::raw_sql(SQLITE.section("schema")?)
            .execute(&mut connection)
            .await?;
        Ok(Self { connection })
    }

    pub async fn insert(&mut self, batch: Vec<Delivery>, target: &Target) -> anyhow::Result<()> {
        let insert = SQLITE.section("insert")?;
        let mut transaction = self.connection.begin_with("begin immediate").await?;
        for delivery in batch {
            sqlx::query(insert)
                .bind(delivery.id)
                .bind(&delivery.key)
                .bind(delivery_digest(&delivery.key))
                .bind(delivery.headers)
                .bind(delivery.body)
                .bind(delivery.received_at_us)
                .bind(target.trigger)
                .execute(&mut *transaction)
                .await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    pub async fn claim(&mut self, rows_max: i64, lease_us: i64) -> anyhow::Result<Vec<Claimed>> {
        let now = now_us();
        let rows = sqlx::query(SQLITE.section("claim")?)
            .bind(now)
            .bind(now + lease_us)
            .bind(rows_max)
            .fetch_all(&mut self.connection)
            .await?;
        Ok(rows.iter().map(read_claimed).collect::<Result<_, _>>()?)
    }

    pub async fn settle(&mut self, batch: Vec<Settlement>, target: &Target) -> anyhow::Result<u64> {
        let (event, run) = (SQLITE.section("events")?, SQLITE.section("runs")?);
        let (message, complete) = (SQLITE.section("outbox")?, SQLITE.section("complete")?);
        let now = now_us();
        let mut completed = 0;
        let mut transaction = self.connection.begin_with("begin immediate").await?;
        for settlement in batch {
            sqlx::query(event)
                .bind(settlement.event)
                .bind(settlement.delivery.id)
                .bind(settlement.delivery.key)
                .bind(settlement.facts)
                .bind(target.trigger)
                .bind(target.automation)
                .bind(now)
                .execute(&mut *transaction)
                .await?;
            sqlx::query(run)
                .bind(settlement.run)
                .bind(settlement.event)
                .bind(target.trigger)
                .bind(target.automation)
                .bind(now)
                .execute(&mut *transaction)
                .await?;
            sqlx::query(message)
                .bind(settlement.run)
                .bind(settlement.payload)
                .bind(now)
                .execute(&mut *transaction)
                .await?;
            completed += sqlx::query(complete)
                .bind(settlement.delivery.id)
                .bind(settlement.delivery.attempt)
                .bind(now)
                .execute(&mut *transaction)
                .await?
                .rows_affected();
        }
        transaction.commit().await?;
        Ok(completed)
    }

    pub async fn analyze(&mut self) -> anyhow::Result<()> {
        sqlx::raw_sql(SQLITE.section("analyze")?)
            .execute(&mut self.connection)
            .await?;
        Ok(())
    }
}
