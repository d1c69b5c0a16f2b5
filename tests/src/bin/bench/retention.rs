//! Ingress beside many old rows, without and with their deletion in progress.

use anyhow::Context;
use sqlx::sqlite::SqliteConnection;
use sqlx::{Connection, PgConnection};

use crate::database::Engine;
use crate::limit::sql::{POSTGRES, SQLITE, now_us};
use crate::load::Load;
use crate::say;
use crate::settings::Settings;
use crate::subject::Subject;
use crate::table::{Pair, Table, median};
use crate::throughput::percentiles;

/// Few, so that a core is free: with all cores busy, any other work shows in the latency.
const CONNECTIONS: usize = 4;
const AGE_US: i64 = 30 * 24 * 60 * 60 * 1_000_000;
/// A million rows in one transaction would measure nothing but its log.
const INSERT_ROWS: i64 = 50_000;

/// Measures the subject.
pub async fn measure(
    settings: &Settings,
    subject: &Subject,
    table: &mut Table,
) -> anyhow::Result<()> {
    let name = subject.database.engine.name();
    let rows = settings.old_rows;
    say!("{name}: ingress beside {rows} old rows");
    insert_old(subject, rows).await?;

    let (mut kept, mut deleting, mut deleted) = (Vec::new(), Vec::new(), 0);
    for _ in 0..settings.pairs {
        let off = [("RETENTION_INBOX_DAYS", "0")];
        let running = subject.server.start_with(&off, &[]).await?;
        let load = subject.load(settings, CONNECTIONS).await?;
        running.stop().await?;
        say!("  kept:    {load}");
        kept.push(load);

        let running = subject.server.start().await?;
        let load = subject.load(settings, CONNECTIONS).await?;
        let rows = deleted_rows(subject).await?;
        running.stop().await?;
        say!("  deleted: {load}, {rows} rows meanwhile");
        if rows == 0 {
            say!("  NOT MEASURED: nothing was deleted");
        }
        deleting.push(load);
        deleted += rows;
    }

    let section =
        format!("Triggerhouse on {name}, beside {rows} old rows, at {CONNECTIONS} connections");
    let acks = median(kept.iter().map(|load| load.acks_per_s));
    table.row(
        &section,
        "ingress and workers, acks/s",
        format!("{acks:.0}"),
        "",
    );
    table.row(&section, "  p50, p99 ms", percentiles(&kept), "");
    let pair = |(deleting, kept): (&Load, &Load)| Pair {
        measured: deleting.acks_per_s,
        limit: kept.acks_per_s,
    };
    let pairs: Vec<Pair> = deleting.iter().zip(&kept).map(pair).collect();
    table.compared(
        &section,
        "  while they are deleted, acks/s",
        &pairs,
        ">= 80 %",
    );
    table.row(&section, "  p50, p99 ms", percentiles(&deleting), "");
    table.row(&section, "  rows deleted meanwhile", deleted, "> 0");
    Ok(())
}

/// Inserts deliveries that were processed a month ago.
async fn insert_old(subject: &Subject, rows: i64) -> anyhow::Result<()> {
    let url = &subject.database.url;
    let at = now_us() - AGE_US;
    let mut left = rows;
    match subject.database.engine {
        Engine::Postgres => {
            let mut connection = PgConnection::connect(url).await?;
            while left > 0 {
                let insert = sqlx::query(POSTGRES.section("insert old")?);
                let insert = insert.bind(left.min(INSERT_ROWS)).bind(at + left);
                insert.execute(&mut connection).await.context("old rows")?;
                left -= INSERT_ROWS;
            }
            // On a busy host autovacuum has done so long ago.
            let analyze = sqlx::raw_sql(POSTGRES.section("after insert old")?);
            analyze.execute(&mut connection).await?;
        }
        Engine::Sqlite => {
            let mut connection = SqliteConnection::connect(url).await?;
            while left > 0 {
                let insert = sqlx::query(SQLITE.section("insert old")?);
                let insert = insert.bind(left.min(INSERT_ROWS)).bind(at + left);
                insert.execute(&mut connection).await.context("old rows")?;
                left -= INSERT_ROWS;
            }
            let keys = sqlx::raw_sql(SQLITE.section("after insert old")?);
            keys.execute(&mut connection).await?;
        }
    }
    Ok(())
}

/// The rows of the inbox that the running server has deleted or emptied, from its metrics.
async fn deleted_rows(subject: &Subject) -> anyhow::Result<u64> {
    let url = format!("{}/metrics", subject.server.url());
    let metrics = triggerhouse_tests::client()
        .get(url)
        .send()
        .await?
        .text()
        .await?;
    let line = metrics.lines().find(|line| {
        line.starts_with("triggerhouse_retention_rows_total{") && line.contains("\"deliveries\"")
    });
    let Some(line) = line else { return Ok(0) };
    let value = line
        .rsplit(' ')
        .next()
        .context("a metric without a value")?;
    Ok(value.parse::<f64>()? as u64)
}
