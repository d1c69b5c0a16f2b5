//! The settings of a run, from the environment, and what `scripts/services.sh` has started.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context, ensure};

/// The settings of a run.
pub struct Settings {
    /// Seconds that each load lasts: `BENCH_SECONDS`.
    pub seconds: u64,
    /// The number of connections of a load: `BENCH_CONNECTIONS`.
    pub connections: usize,
    /// Turns of a measurement and its limit: `BENCH_PAIRS`.
    pub pairs: usize,
    /// The number of processed deliveries in the inbox of a busy host: `BENCH_OLD_ROWS`.
    pub old_rows: i64,
    /// The server to measure: `BENCH_SERVER`, or the one that was built with this program.
    pub server: PathBuf,
    /// The folder of the built providers.
    pub providers: PathBuf,
    /// A URL of the private Postgres, whose path names the database `postgres`.
    pub postgres_url: String,
    /// The URL of the private Redis.
    pub redis_url: String,
    /// The folder of the private servers, on a disk.
    pub services: PathBuf,
    /// A folder beside them, for databases, keys and logs.
    pub directory: PathBuf,
}

impl Settings {
    /// # Errors
    /// If a variable has no valid value, or `scripts/services.sh` has not set its own.
    pub fn from_environment() -> anyhow::Result<Self> {
        let services = PathBuf::from(service("TRIGGERHOUSE_SERVICES_DIR")?);
        let directory = services.join("bench");
        std::fs::create_dir(&directory)
            .with_context(|| format!("cannot create {}", directory.display()))?;
        let settings = Self {
            seconds: number("BENCH_SECONDS", 10)?,
            connections: number("BENCH_CONNECTIONS", 32)?,
            pairs: number("BENCH_PAIRS", 3)?,
            old_rows: number("BENCH_OLD_ROWS", 1_000_000)?,
            server: server()?,
            providers: std::env::current_dir()?.join("target/providers"),
            postgres_url: service("TRIGGERHOUSE_TEST_POSTGRES_URL")?,
            redis_url: service("TRIGGERHOUSE_TEST_REDIS_URL")?,
            services,
            directory,
        };
        let positive = settings.seconds > 0 && settings.connections > 0 && settings.pairs > 0;
        ensure!(
            positive,
            "BENCH_SECONDS, BENCH_CONNECTIONS and BENCH_PAIRS must be positive"
        );
        Ok(settings)
    }

    /// The time limit of a drain: a slow server works off what it took in `seconds`.
    pub fn drain_max(&self) -> Duration {
        Duration::from_secs(60 + 10 * self.seconds)
    }

    /// One line about the run, for below the table.
    pub fn summary(&self) -> String {
        let cores = std::thread::available_parallelism().map_or(0, usize::from);
        format!(
            "{} connections for {} s, signed and all different payloads of 8 kB, durable commits; \
             medians of {} pairs; {cores} cores shared by server, database and load generator.",
            self.connections, self.seconds, self.pairs,
        )
    }
}

fn number<T: FromStr>(name: &str, default: T) -> anyhow::Result<T>
where
    T::Err: std::error::Error + Send + Sync + 'static,
{
    match std::env::var(name) {
        Ok(text) => text
            .parse()
            .with_context(|| format!("{name} is not a number: {text}")),
        Err(_) => Ok(default),
    }
}

fn service(name: &str) -> anyhow::Result<String> {
    std::env::var(name).with_context(|| format!("{name} is not set: run `make bench`"))
}

fn server() -> anyhow::Result<PathBuf> {
    if let Some(path) = std::env::var_os("BENCH_SERVER") {
        return std::path::absolute(path).context("BENCH_SERVER is not a path");
    }
    Ok(std::env::current_exe()?.with_file_name("triggerhouse"))
}
