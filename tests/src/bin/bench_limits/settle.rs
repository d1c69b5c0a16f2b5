//! The drain limit: claim a batch, then event, run, outbox message and completion in one transaction.
//!
//! One connection, nothing parsed or decided: what is measured is what the database has to do for each delivery.

use std::path::Path;
use std::time::Instant;

use anyhow::ensure;
use uuid::Uuid;

use crate::database::{Claimed, Database, Delivery, Settlement, Target};
use crate::payloads::{FIXTURE, Payloads};
use crate::sql::now_us;

const BATCH_ROWS_MAX: i64 = 128;
const LEASE_US: i64 = 30_000_000;
const PRELOAD_BATCH_ROWS: usize = 500;

pub async fn run(database_url: &str, count: usize) -> anyhow::Result<()> {
    let mut database = Database::fresh(database_url).await?;
    let target = Target {
        trigger: Uuid::now_v7(),
        automation: Uuid::now_v7(),
    };
    preload(&mut database, count, &target).await?;
    // Without it the first plans would be made for an empty table.
    database.run("after preload").await?;

    let started_at = Instant::now();
    let mut settled = 0;
    loop {
        let claimed = database.claim(BATCH_ROWS_MAX, LEASE_US).await?;
        if claimed.is_empty() {
            break;
        }
        let batch = claimed.into_iter().map(decide).collect();
        settled += database.settle(batch, &target).await?;
    }
    let seconds = started_at.elapsed().as_secs_f64();
    ensure!(settled == count as u64, "settled {settled} of {count} rows");
    database.run("remove").await?;
    println!(
        "rows={settled} seconds={seconds:.2} rows_per_s={:.0}",
        settled as f64 / seconds
    );
    Ok(())
}

/// Fills the inbox as ingress would: different bodies, compressed.
async fn preload(database: &mut Database, count: usize, target: &Target) -> anyhow::Result<()> {
    let payloads = Payloads::new(Path::new(FIXTURE))?;
    let mut batch = Vec::with_capacity(PRELOAD_BATCH_ROWS);
    for n in 0..count {
        batch.push(Delivery {
            id: Uuid::now_v7(),
            key: Uuid::now_v7().to_string(),
            headers: r#"[["content-type","application/json"],["x-github-event","issues"]]"#
                .to_owned(),
            body: lz4_flex::block::compress_prepend_size(&payloads.body(n)?),
            received_at_us: now_us(),
        });
        if batch.len() == PRELOAD_BATCH_ROWS || n + 1 == count {
            database.insert(std::mem::take(&mut batch), target).await?;
        }
    }
    Ok(())
}

/// One event, as a delivery with one matching trigger has it.
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

/// About as much as the GitHub provider keeps of an issue.
fn facts(key: &str) -> String {
    format!(
        "{{\"event\":\"issues\",\"action\":\"opened\",\"repository\":\"octo-org/octo-repo\",\"organization\":\"octo-org\",\
         \"number\":42,\"title\":\"Import of file {key} fails after an upgrade\",\"state\":\"open\",\"labels\":[\"bug\"],\
         \"author\":\"octocat\",\"author_type\":\"User\",\"sender\":\"octocat\",\"sender_type\":\"User\",\"bot\":false,\
         \"url\":\"https://github.com/octo-org/octo-repo/issues/42\",\"created_at\":\"2025-06-01T12:00:00Z\"}}"
    )
}
