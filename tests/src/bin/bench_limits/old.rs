//! Fills a server's inbox with deliveries that were processed long ago, and says how many are left.

use anyhow::Context;
use sqlx::postgres::PgConnection;
use sqlx::sqlite::SqliteConnection;
use sqlx::{Connection, Executor};

use crate::sql::now_us;

const DAY_US: i64 = 24 * 60 * 60 * 1_000_000;
/// Rows of one insert: a million at once would only measure the log of a single transaction.
const CHUNK: i64 = 50_000;

/// Every second one with a key that outlives it. Bodies are short: what counts is the number of rows.
const INSERT_POSTGRES: &str = "
    insert into inbox (id, org_id, provider, route, delivery_key, door_key, headers, query, body, body_codec, status,
        outcome, attempt, received_at, processed_at)
    select gen_random_uuid(), 'default', 'github', 'token', 'old-' || n,
        case when n % 2 = 0 then gen_random_uuid() end, '[]', '', decode(repeat('00', 400), 'hex'), 0, 'completed',
        'no events', 1, $2 + n, $2 + n
    from generate_series(1, $1) as n";
const INSERT_SQLITE: &str = "
    with recursive counted (n) as (select 1 union all select n + 1 from counted where n < $1)
    insert into inbox (id, org_id, provider, route, delivery_key, door_key, headers, query, body, body_codec, status,
        outcome, attempt, received_at, processed_at)
    select randomblob(16), 'default', 'github', 'token', 'old-' || n,
        case when n % 2 = 0 then randomblob(16) end, '[]', '', zeroblob(400), 0, 'completed',
        'no events', 1, $2 + n, $2 + n
    from counted";
const LEFT: &str = "select count(*) from inbox where delivery_key like 'old-%'";

pub async fn fill(database_url: &str, count: i64) -> anyhow::Result<()> {
    let at = now_us() - 30 * DAY_US;
    let mut left = count;
    if database_url.starts_with("sqlite:") {
        let mut connection = SqliteConnection::connect(database_url).await?;
        while left > 0 {
            let rows = left.min(CHUNK);
            let insert = sqlx::query(INSERT_SQLITE).bind(rows).bind(at + left);
            insert.execute(&mut connection).await.context("old rows")?;
            left -= rows;
        }
    } else {
        let mut connection = PgConnection::connect(database_url).await?;
        while left > 0 {
            let rows = left.min(CHUNK);
            let insert = sqlx::query(INSERT_POSTGRES).bind(rows).bind(at + left);
            insert.execute(&mut connection).await.context("old rows")?;
            left -= rows;
        }
        // As autovacuum would have, long ago.
        connection.execute("vacuum analyze inbox").await?;
    }
    println!("filled={count}");
    Ok(())
}

pub async fn left(database_url: &str) -> anyhow::Result<()> {
    let left: i64 = if database_url.starts_with("sqlite:") {
        let mut connection = SqliteConnection::connect(database_url).await?;
        sqlx::query_scalar(LEFT).fetch_one(&mut connection).await?
    } else {
        let mut connection = PgConnection::connect(database_url).await?;
        sqlx::query_scalar(LEFT).fetch_one(&mut connection).await?
    };
    println!("left={left}");
    Ok(())
}
