//! The partitions of the archive on Postgres: one for each day of the ids (UUIDv7), made in
//! advance and dropped when the day is old.
//!
//! SQLite has one table; `retention.rs` deletes its rows.

use crate::domain::{DeliveryId, Timestamp};
use crate::store::db::{Db, Tx, within};
use crate::store::{Store, StoreError};
use sqlx::{AssertSqlSafe, PgConnection};
use std::time::Duration;
use uuid::Uuid;

const DAY: Duration = Duration::from_secs(86_400);
/// Partitions that exist ahead of time: the host may be down for as long.
const DAYS_AHEAD: u32 = 7;
/// A partition is made and dropped under a lock that stops everybody else for a moment.
const LOCK_TIMEOUT: &str = "set local lock_timeout = '200ms'";
/// The advisory lock under which partitions are made: "inbox" in ASCII.
const LOCK: i64 = 0x69_6e_62_6f_78;
/// The partition with everything from before the archive was partitioned.
const FIRST: &str = "inbox_0";

/// The smallest UUIDv7 of this time.
pub(super) fn first_id(at: Timestamp) -> Uuid {
    let milliseconds = u64::try_from(at.0 / 1_000).unwrap_or(0);
    Uuid::from_u128(u128::from(milliseconds) << 80)
}

/// A day of ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Day(i64);

impl Day {
    fn of(at: Timestamp) -> Self {
        Self(at.0.div_euclid(DAY_US))
    }

    fn begin(self) -> Timestamp {
        Timestamp(self.0.saturating_mul(DAY_US))
    }

    fn next(self) -> Self {
        Self(self.0 + 1)
    }

    /// `inbox_d` and the day's number since 1970.
    fn name(self) -> String {
        format!("inbox_d{}", self.0)
    }

    fn of_name(name: &str) -> Option<Self> {
        name.strip_prefix("inbox_d")?.parse().ok().map(Self)
    }
}

const DAY_US: i64 = 86_400_000_000;

/// The result of dropping old partitions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dropped {
    /// Partitions dropped.
    pub partitions: u32,
    /// Rows that were kept, in a partition of the same day.
    pub kept_rows: u64,
}

impl Store {
    /// Makes the partitions of the days around `now` that are missing. Does nothing on
    /// SQLite.
    ///
    /// # Errors
    /// If the database is unavailable, or if another transaction holds the archive for too
    /// long.
    pub async fn make_partitions(&self, now: Timestamp) -> Result<(), StoreError> {
        if let Db::Sqlite(_) = &self.db {
            return Ok(());
        }
        self.write(async |tx| {
            let Tx::Postgres(postgres) = tx else {
                return Ok(());
            };
            let make = make(postgres.connection, now);
            within(postgres.answer_max, make).await
        })
        .await
    }

    /// Drops the partitions that end before `before`. Rows that are still in the queue stay:
    /// somebody may ask for them. Does nothing on SQLite.
    ///
    /// # Errors
    /// If the database is unavailable. A partition that a reader holds is left for the next
    /// call.
    pub async fn drop_partitions(&self, before: Timestamp) -> Result<Dropped, StoreError> {
        let mut dropped = Dropped::default();
        if let Db::Sqlite(_) = &self.db {
            return Ok(dropped);
        }
        let names = self
            .read(async |tx| match tx {
                Tx::Postgres(postgres) => {
                    within(postgres.answer_max, partitions(postgres.connection)).await
                }
                Tx::Sqlite(_) => Ok(Vec::new()),
            })
            .await?;
        for day in names.iter().filter_map(|name| Day::of_name(name)) {
            if day.next().begin() > before {
                continue;
            }
            let kept = self
                .write(async |tx| match tx {
                    Tx::Postgres(postgres) => {
                        within(postgres.answer_max, replace(postgres.connection, day)).await
                    }
                    Tx::Sqlite(_) => Ok(None),
                })
                .await;
            match kept {
                Ok(Some(rows)) => {
                    dropped.partitions += 1;
                    dropped.kept_rows += rows;
                }
                Ok(None) => {}
                Err(error) if error.is_transient() => return Err(error),
                Err(error) => {
                    tracing::info!(partition = day.name(), %error, "an old partition is in use; it is dropped later");
                }
            }
        }
        Ok(dropped)
    }
}

async fn partitions(connection: &mut PgConnection) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar(
        "select c.relname::text from pg_inherits i join pg_class c on c.oid = i.inhrelid
         where i.inhparent = 'inbox'::regclass order by c.relname",
    )
    .fetch_all(connection)
    .await
}

async fn make(connection: &mut PgConnection, now: Timestamp) -> Result<(), sqlx::Error> {
    sqlx::query("select pg_advisory_xact_lock($1)")
        .bind(LOCK)
        .execute(&mut *connection)
        .await?;
    sqlx::query(LOCK_TIMEOUT).execute(&mut *connection).await?;
    let names = partitions(connection).await?;
    let first = first_bound(connection).await?;
    let mut day = Day::of(now - DAY);
    for _ in 0..DAYS_AHEAD + 2 {
        let (from, to) = (first_id(day.begin()), first_id(day.next().begin()));
        if from >= first && !names.contains(&day.name()) {
            run(
                connection,
                format!(
                    "create table {} (like inbox including defaults including storage) \
                 with (fillfactor = 85, autovacuum_vacuum_insert_scale_factor = 0.05)",
                    day.name()
                ),
            )
            .await?;
            attach(connection, &day.name(), from, to).await?;
        }
        day = day.next();
    }
    Ok(())
}

/// The smallest id that the first partition does not take.
async fn first_bound(connection: &mut PgConnection) -> Result<Uuid, sqlx::Error> {
    let bound: Option<String> = sqlx::query_scalar(
        "select substring(pg_get_expr(relpartbound, oid) from 'TO \\(''([0-9a-f-]{36})''\\)')
         from pg_class where relname = $1 and relispartition",
    )
    .bind(FIRST)
    .fetch_optional(connection)
    .await?
    .flatten();
    Ok(bound
        .and_then(|bound| bound.parse().ok())
        .unwrap_or(Uuid::nil()))
}

async fn attach(
    connection: &mut PgConnection,
    name: &str,
    from: Uuid,
    to: Uuid,
) -> Result<(), sqlx::Error> {
    run(
        connection,
        format!("alter table inbox attach partition {name} for values from ('{from}') to ('{to}')"),
    )
    .await
}

/// Replaces a day's partition by one with the rows that must stay, or drops it; none if
/// nothing would go.
async fn replace(connection: &mut PgConnection, day: Day) -> Result<Option<u64>, sqlx::Error> {
    let name = day.name();
    let kept: Vec<DeliveryId> = sqlx::query_scalar(AssertSqlSafe(format!(
        "select q.id from inbox_queue q join {name} i on i.id = q.id for update of q"
    )))
    .fetch_all(&mut *connection)
    .await?;
    let has_others: bool = sqlx::query_scalar(AssertSqlSafe(format!(
        "select exists (select 1 from {name} i
            where not exists (select 1 from inbox_queue q where q.id = i.id))"
    )))
    .fetch_one(&mut *connection)
    .await?;
    if !kept.is_empty() && !has_others {
        return Ok(None);
    }
    sqlx::query(LOCK_TIMEOUT).execute(&mut *connection).await?;
    if kept.is_empty() {
        run(connection, format!("drop table {name}")).await?;
        return Ok(Some(0));
    }
    let ids: Vec<Uuid> = kept.into_iter().map(|id| id.0).collect();
    run(
        connection,
        format!("create table {name}_kept (like inbox including defaults including storage)"),
    )
    .await?;
    sqlx::query(AssertSqlSafe(format!(
        "insert into {name}_kept select * from {name} where id = any($1)"
    )))
    .bind(&ids)
    .execute(&mut *connection)
    .await?;
    run(connection, format!("drop table {name}")).await?;
    run(
        connection,
        format!("alter table {name}_kept rename to {name}"),
    )
    .await?;
    let (from, to) = (first_id(day.begin()), first_id(day.next().begin()));
    attach(connection, &name, from, to).await?;
    Ok(Some(ids.len() as u64))
}

async fn run(connection: &mut PgConnection, sql: String) -> Result<(), sqlx::Error> {
    sqlx::query(AssertSqlSafe(sql)).execute(connection).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partition_has_the_ids_of_its_day() {
        let noon = Timestamp(20_783 * DAY_US + DAY_US / 2);
        let day = Day::of(noon);
        assert_eq!(
            (day.name().as_str(), Day::of_name("inbox_d20783")),
            ("inbox_d20783", Some(day))
        );
        assert_eq!(Day::of_name("inbox_0"), None);
        assert!(first_id(day.begin()) < first_id(noon));
        assert!(first_id(noon) < first_id(day.next().begin()));
        let id = Uuid::now_v7();
        let (seconds, nanos) = id.get_timestamp().unwrap().to_unix();
        let micros = seconds as i64 * 1_000_000 + i64::from(nanos) / 1_000;
        assert!(first_id(Timestamp(micros)) <= id && id < first_id(Timestamp(micros + 1_000)));
    }
}
