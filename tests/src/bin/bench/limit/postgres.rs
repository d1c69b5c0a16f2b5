//! The limits on Postgres: a few statements per batch, with arrays.

use anyhow::Context;
use sqlx::Connection;
use sqlx::postgres::PgConnection;

use super::connection::{Claimed, Delivery, Settlement, Target, read_claimed};
use super::sql::{POSTGRES, delivery_digest, now_us};

/// A connection.
pub struct Postgres {
    connection: PgConnection,
}

impl Postgres {
    pub async fn open(url: &str) -> anyhow::Result<Self> {
        let connection = PgConnection::connect(url).await;
        let mut connection = connection.context("cannot connect to Postgres")?;
        sqlx::raw_sql(POSTGRES.section("schema")?)
            .execute(&mut connection)
            .await?;
        Ok(Self { connection })
    }

    pub async fn insert(&mut self, batch: Vec<Delivery>, target: &Target) -> anyhow::Result<()> {
        let rows = batch.len();
        let (mut ids, mut keys, mut digests) = (
            Vec::with_capacity(rows),
            Vec::with_capacity(rows),
            Vec::with_capacity(rows),
        );
        let (mut headers, mut bodies, mut times) = (
            Vec::with_capacity(rows),
            Vec::with_capacity(rows),
            Vec::with_capacity(rows),
        );
        for delivery in batch {
            ids.push(delivery.id);
            digests.push(delivery_digest(&delivery.key));
            keys.push(delivery.key);
            headers.push(delivery.headers);
            bodies.push(delivery.body);
            times.push(delivery.received_at_us);
        }
        sqlx::query(POSTGRES.section("insert")?)
            .bind(ids)
            .bind(keys)
            .bind(digests)
            .bind(headers)
            .bind(bodies)
            .bind(times)
            .bind(target.trigger)
            .execute(&mut self.connection)
            .await?;
        Ok(())
    }

    pub async fn claim(&mut self, rows_max: i64, lease_us: i64) -> anyhow::Result<Vec<Claimed>> {
        let now = now_us();
        let rows = sqlx::query(POSTGRES.section("claim")?)
            .bind(now)
            .bind(now + lease_us)
            .bind(rows_max)
            .fetch_all(&mut self.connection)
            .await?;
        Ok(rows.iter().map(read_claimed).collect::<Result<_, _>>()?)
    }

    pub async fn settle(&mut self, batch: Vec<Settlement>, target: &Target) -> anyhow::Result<u64> {
        let now = now_us();
        let rows = batch.len();
        let (mut deliveries, mut attempts, mut keys) = (
            Vec::with_capacity(rows),
            Vec::with_capacity(rows),
            Vec::with_capacity(rows),
        );
        let (mut events, mut runs) = (Vec::with_capacity(rows), Vec::with_capacity(rows));
        let (mut facts, mut payloads) = (Vec::with_capacity(rows), Vec::with_capacity(rows));
        for settlement in batch {
            deliveries.push(settlement.delivery.id);
            attempts.push(settlement.delivery.attempt);
            keys.push(settlement.delivery.key);
            events.push(settlement.event);
            runs.push(settlement.run);
            facts.push(settlement.facts);
            payloads.push(settlement.payload);
        }

        let mut transaction = self.connection.begin().await?;
        sqlx::query(POSTGRES.section("events")?)
            .bind(&events)
            .bind(&deliveries)
            .bind(keys)
            .bind(facts)
            .bind(target.trigger)
            .bind(target.automation)
            .bind(now)
            .execute(&mut *transaction)
            .await?;
        sqlx::query(POSTGRES.section("runs")?)
            .bind(&runs)
            .bind(&events)
            .bind(target.trigger)
            .bind(target.automation)
            .bind(now)
            .execute(&mut *transaction)
            .await?;
        sqlx::query(POSTGRES.section("outbox")?)
            .bind(&runs)
            .bind(payloads)
            .bind(now)
            .execute(&mut *transaction)
            .await?;
        let completed = sqlx::query(POSTGRES.section("complete")?)
            .bind(&deliveries)
            .bind(attempts)
            .bind(now)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(completed.rows_affected())
    }

    pub async fn analyze(&mut self) -> anyhow::Result<()> {
        sqlx::raw_sql(POSTGRES.section("analyze")?)
            .execute(&mut self.connection)
            .await?;
        Ok(())
    }
}
