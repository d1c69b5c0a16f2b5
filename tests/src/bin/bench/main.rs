//! `make bench`: measures the server beside limits that it measures in the same run.
//!
//! Owns: the order of the measurements, the load, the limits and the table.
//! Never does: build anything, or start a database. `scripts/bench.sh` does both.

mod api;
mod database;
mod deliveries;
mod hand_over;
mod latency;
mod limit;
mod load;
mod payloads;
mod recovery;
mod retention;
mod server;
mod settings;
mod subject;
mod table;
mod throughput;

use database::Engine;
use settings::Settings;
use table::Table;

/// Prints progress to stderr: stdout has the table only.
macro_rules! say {
    ($($text:tt)*) => { eprintln!($($text)*) };
}
use say;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let settings = Settings::from_environment()?;
    let mut table = Table::default();
    limit::measure_http(&settings, &mut table).await?;
    warm_up(&settings).await?;
    for engine in [Engine::Postgres, Engine::Sqlite] {
        let mut subject = throughput::measure(&settings, engine, &mut table).await?;
        hand_over::measure(&settings, &subject, &mut table).await?;
        retention::measure(&settings, &subject, &mut table).await?;
        if engine == Engine::Postgres {
            subject = recovery::measure(&settings, subject, &mut table).await?;
        }
        subject.remove().await?;
    }
    println!("\n{table}\n{}", settings.summary());
    Ok(())
}

/// A new Postgres creates its log files at the first load and reuses them later. Without a
/// warm-up the first measurement would pay for them.
async fn warm_up(settings: &Settings) -> anyhow::Result<()> {
    say!("warming up Postgres");
    limit::writer::measure(settings, Engine::Postgres, "warm_up").await?;
    Ok(())
}
