//! The server under measurement: a process, its settings and its folder.

use std::fs::File;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use tokio::process::{Child, Command};
use triggerhouse_tests::app::free_port;
use triggerhouse_tests::process::terminate;

use crate::database::Database;
use crate::settings::Settings;

const READY_MAX: Duration = Duration::from_secs(60);
const STOP_MAX: Duration = Duration::from_secs(30);
/// Short, because the time until a server is ready is measured.
const READY_PAUSE: Duration = Duration::from_millis(2);
/// Lines of the log that explain a failure.
const LOG_LINES: usize = 20;

/// A server that may run: always on the same port and database.
pub struct Server {
    binary: PathBuf,
    arguments: Vec<String>,
    port: u16,
    directory: PathBuf,
    log: PathBuf,
}

/// A server that runs. Dropping it kills the process.
pub struct Running {
    child: Child,
    log: PathBuf,
    /// From the start of the process until `/readyz` answered 200.
    pub ready: Duration,
}

impl Server {
    /// A server on the database, with a log called `name`.
    pub fn new(settings: &Settings, database: &Database, name: &str) -> Self {
        let port = free_port();
        let providers = settings.providers.display().to_string();
        let mut arguments: Vec<String> = Vec::new();
        arguments.extend(["--listen".to_owned(), format!("127.0.0.1:{port}")]);
        arguments.extend(["--database-url".to_owned(), database.url.clone()]);
        arguments.extend(["--providers".to_owned(), providers]);
        Self {
            binary: settings.server.clone(),
            arguments,
            port,
            directory: settings.directory.clone(),
            log: settings.directory.join(format!("{name}.log")),
        }
    }

    /// The server's base URL.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// A command of the same binary. Settings of this process do not reach it.
    fn command(&self) -> Command {
        let mut command = Command::new(&self.binary);
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("TRIGGERHOUSE_") {
                command.env_remove(name);
            }
        }
        let cache = self.directory.join("components");
        command
            .current_dir(&self.directory)
            .env(
                "TRIGGERHOUSE_MASTER_KEY",
                "YmVuY2htYXJrYmVuY2htYXJrYmVuY2htYXJrYmVuY2g=",
            )
            .env("TRIGGERHOUSE_COMPONENT_CACHE_DIR", cache)
            // The one source sends more than any service does.
            .env("TRIGGERHOUSE_INGRESS_SOURCE_PER_SECOND", "0")
            .env("TRIGGERHOUSE_INGRESS_ORGANIZATION_PER_SECOND", "0")
            // A server that just started would otherwise not look for old rows within a measurement.
            .env("TRIGGERHOUSE_RETENTION_EVERY_SECONDS", "1")
            .stdin(Stdio::null())
            .kill_on_drop(true);
        command
    }

    /// Creates an API key of an organization.
    pub async fn create_key(&self, org: &str, database: &Database) -> anyhow::Result<String> {
        let mut command = self.command();
        command.args(["keys", "create", "--name", "bench", "--org", org]);
        command.args(["--database-url", &database.url]);
        let output = command
            .output()
            .await
            .context("cannot run the server's binary")?;
        let error = String::from_utf8_lossy(&output.stderr);
        ensure!(
            output.status.success(),
            "`triggerhouse keys create` failed: {error}"
        );
        Ok(String::from_utf8(output.stdout)?.trim().to_owned())
    }

    /// Starts the server with all roles.
    pub async fn start(&self) -> anyhow::Result<Running> {
        self.start_with(&[], &[]).await
    }

    /// Starts the server with further settings, named without `TRIGGERHOUSE_`, and further
    /// arguments of `serve`; returns when it is ready.
    pub async fn start_with(
        &self,
        settings: &[(&str, &str)],
        arguments: &[&str],
    ) -> anyhow::Result<Running> {
        let log = File::create(&self.log)?;
        let mut command = self.command();
        command.arg("serve").args(&self.arguments).args(arguments);
        for (name, value) in settings {
            command.env(format!("TRIGGERHOUSE_{name}"), value);
        }
        let started = Instant::now();
        let child = command
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("cannot start {}", self.binary.display()))?;
        let mut running = Running {
            child,
            log: self.log.clone(),
            ready: Duration::ZERO,
        };
        running
            .wait_ready(&format!("{}/readyz", self.url()), started)
            .await?;
        Ok(running)
    }
}

impl Running {
    async fn wait_ready(&mut self, url: &str, started: Instant) -> anyhow::Result<()> {
        let client = triggerhouse_tests::client();
        loop {
            let answer = client.get(url).send().await;
            self.ready = started.elapsed();
            if answer.is_ok_and(|answer| answer.status() == 200) {
                return Ok(());
            }
            if let Some(status) = self.child.try_wait()? {
                bail!(
                    "the server ended at its start with {status}:\n{}",
                    self.end_of_log()
                );
            }
            if self.ready > READY_MAX {
                bail!(
                    "the server was not ready in {READY_MAX:?}:\n{}",
                    self.end_of_log()
                );
            }
            tokio::time::sleep(READY_PAUSE).await;
        }
    }

    /// Resident memory of the process, in MB.
    pub async fn memory_mb(&self) -> anyhow::Result<u64> {
        let id = self.child.id().context("the server has ended")?.to_string();
        // Linux has a file, and not always `ps`.
        let kilobytes = match std::fs::read_to_string(format!("/proc/{id}/status")) {
            Ok(status) => status
                .lines()
                .find_map(|line| line.strip_prefix("VmRSS:")?.strip_suffix("kB"))
                .context("/proc has no VmRSS")?
                .to_owned(),
            Err(_) => {
                let output = Command::new("ps")
                    .args(["-o", "rss=", "-p", &id])
                    .output()
                    .await?;
                String::from_utf8(output.stdout)?
            }
        };
        Ok((kilobytes.trim().parse::<u64>()? + 512) / 1024)
    }

    /// Stops the server as an operator does. A server that does not end cleanly is a failure.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        terminate(&self.child).await;
        let ended = tokio::time::timeout(STOP_MAX, self.child.wait()).await;
        let status = ended.context("the server did not stop")??;
        ensure!(
            status.success(),
            "the server ended with {status}:\n{}",
            self.end_of_log()
        );
        Ok(())
    }

    fn end_of_log(&self) -> String {
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(LOG_LINES)..].join("\n")
    }
}
