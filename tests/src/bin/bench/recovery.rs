//! Latency of one server process before and after its Postgres has crashed.

use anyhow::{bail, ensure};
use tokio::process::Command;

use crate::latency::Latency;
use crate::say;
use crate::settings::Settings;
use crate::subject::Subject;
use crate::table::Table;

/// Each connection that broke fails one call.
const TRIES_MAX: usize = 20;

/// Measures a server on the subject's database, for an organization whose outbox is empty.
pub async fn measure(
    settings: &Settings,
    subject: Subject,
    table: &mut Table,
) -> anyhow::Result<Subject> {
    say!("Postgres: latency before and after a crash");
    subject.store.close().await;
    let subject = Subject::of(settings, subject.database, "recovery", "recovery").await?;
    let running = subject.server.start().await?;
    let before = Latency::measure(&subject.api, &subject.hook).await?;
    restart_postgres(settings).await?;
    let after = measure_after(&subject).await?;
    running.stop().await?;

    let section = "Triggerhouse on Postgres that has crashed";
    table.row(
        section,
        "ack to outbox before, p50, p99 ms",
        before.since_ack(),
        "< 10",
    );
    let name = "  after, the first one included";
    table.row(section, name, after.since_ack(), "p50 as before");
    Ok(subject)
}

async fn measure_after(subject: &Subject) -> anyhow::Result<Latency> {
    for _ in 0..TRIES_MAX {
        match Latency::measure(&subject.api, &subject.hook).await {
            Ok(latency) => return Ok(latency),
            Err(error) => say!("  {error}"),
        }
    }
    bail!("no delivery succeeds after Postgres has crashed")
}

async fn restart_postgres(settings: &Settings) -> anyhow::Result<()> {
    let status = Command::new("scripts/services.sh")
        .arg("restart-postgres")
        .arg(&settings.services)
        .status()
        .await?;
    ensure!(status.success(), "Postgres did not start again");
    Ok(())
}
