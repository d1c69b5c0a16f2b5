//! The drain limit: claim a batch, then write event, run, message and completion in one
//! transaction.
//!
//! One connection; nothing is parsed or decided. The database's share of the work remains.

use std::time::Instant;

use anyhow::ensure;
use uuid::Uuid;

use super::connection::{Claimed, Connection, Delivery, Settlement, Target};
use super::sql::now_us;
use crate::database::{Database, Engine};
use crate::payloads::Payloads;
use crate::settings::Settings;

const ROWS: usize = 20_000;
const BATCH_ROWS_MAX: i64 = 128;
const LEASE_US: i64 = 30_000_000;
const PRELOAD_BATCH_ROWS: usize = 500;

/// The result.
#[derive(Clone, Copy)]
pub struct Settled {
    pub rows_per_s: f64,
}

/// Measures it in an empty database.
pub async fn measure(settings: &Settings, engine: Engine, name: &str) -> anyhow::Result<Settled> {
    let database = Database::create(settings, engine, name).await?;
    let mut connection = Connection::open(engine, &database.url).await?;
    let target = Target::new();
    preload(&mut connection, &target).await?;
    connection.analyze().await?;

    let started_at = Instant::now();
    let mut settled = 0;
    loop {
        let claimed = connection.claim(BATCH_ROWS_MAX, LEASE_US).await?;
        if claimed.is_empty() {
            break;
        }
        let batch = claimed.into_iter().map(decide).collect();
        settled += connection.settle(batch, &target).await?;
    }
    let seconds = started_at.elapsed().as_secs_f64();
    ensure!(settled == ROWS as u64, "settled {settled} of {ROWS} rows");
    drop(connection);
    database.remove().await?;
    Ok(Settled {
        rows_per_s: settled as f64 / seconds,
    })
}

/// Fills the inbox as ingress does: different bodies, compressed.
async fn preload(connection: &mut Connection, target: &Target) -> anyhow::Result<()> {
    let payloads = Payloads::of_fixture()?;
    let mut batch = Vec::with_capacity(PRELOAD_BATCH_ROWS);
    for n in 0..ROWS {
        batch.push(Delivery {
            id: Uuid::now_v7(),
            key: Uuid::now_v7().to_string(),
            headers: r#"[["content-type","application/json"],["x-github-event","issues"]]"#
                .to_owned(),
            body: lz4_flex::block::compress_prepend_size(&payloads.body(n)?),
            received_at_us: now_us(),
        });
        if batch.len() == PRELOAD_BATCH_ROWS || n + 1 == ROWS {
            connection
                .insert(std::mem::take(&mut batch), target)
                .await?;
        }
    }
    Ok(())
}

/// One event, as of a delivery that one trigger matches.
fn decide(delivery: Claimed) -> Settlement {
    let (event, run) = (Uuid::now_v7(), Uuid::now_v7());
    Settlement {
        facts: facts(&delivery.key),
        payload: format!(r#"{{"run_id":"{run}","event_id":"{event}"}}"#),
        delivery,
        event,
        run,
    }
}

/// Facts of about the length that the GitHub provider keeps of an issue.
fn facts(key: &str) -> String {
    format!(
        "{{\"event\":\"issues\",\"action\":\"opened\",\"repository\":\"octo-org/octo-repo\",\"organization\":\"octo-org\",\
         \"number\":42,\"title\":\"Import of file {key} fails after an upgrade\",\"state\":\"open\",\"labels\":[\"bug\"],\
         \"author\":\"octocat\",\"author_type\":\"User\",\"sender\":\"octocat\",\"sender_type\":\"User\",\"bot\":false,\
         \"url\":\"https://github.com/octo-org/octo-repo/issues/42\",\"created_at\":\"2025-06-01T12:00:00Z\"}}"
    )
}
