//! `triggerhouse serve`

use super::{Common, roles};
use anyhow::Context;
use clap::Args;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use toml::{Table, Value};
use triggerhouse::app::App;
use triggerhouse::config::Role;
use triggerhouse::secret::Secret;
use triggerhouse::telemetry;

#[derive(Debug, Args)]
pub struct Serve {
    #[command(flatten)]
    common: Common,
    /// Address and port of the HTTP server
    #[arg(long, value_name = "ADDR")]
    listen: Option<String>,
    /// Register every *.wasm in this directory
    #[arg(long, value_name = "DIR")]
    providers: Option<PathBuf>,
    /// What this process does, separated by commas; everything by default
    #[arg(long, value_delimiter = ',', value_name = "ROLES")]
    roles: Vec<Role>,
}

impl Serve {
    pub async fn run(self) -> anyhow::Result<ExitCode> {
        let mut flags = Table::new();
        if let Some(listen) = &self.listen {
            flags.insert("listen".into(), Value::String(listen.clone()));
        }
        if let Some(directory) = &self.providers {
            let directory = directory.to_str().context("--providers: expected UTF-8")?;
            flags.insert("providers_dir".into(), Value::String(directory.into()));
        }
        if !self.roles.is_empty() {
            flags.insert("roles".into(), roles(&self.roles));
        }
        let config = self.common.load(flags)?;
        let telemetry = telemetry::start(&config.log, &config.telemetry)?;
        let mut stop = Interrupts::listen()?;
        let notice = config.shutdown_notice();
        let app = App::start(config, show).await?;
        stop.first().await;
        if !notice.is_zero() {
            app.leave();
            tracing::info!("leaving: /readyz sends requests elsewhere");
            tokio::select! {
                () = tokio::time::sleep(notice) => {}
                // Somebody is in a hurry.
                () = stop.first() => {}
            }
        }
        tracing::info!("stopping: no new requests; finishing what was claimed");
        let ended = async {
            app.stop().await;
            telemetry.end().await;
        };
        tokio::select! {
            () = ended => Ok(ExitCode::SUCCESS),
            () = stop.first() => {
                tracing::warn!("stopping at once; what was claimed is taken over when its lease lapses");
                Ok(ExitCode::FAILURE)
            }
        }
    }
}

/// Shows the first key. Where nobody reads standard output, the host runs all the
/// same; `println!` would panic.
fn show(key: &Secret) {
    let mut out = std::io::stdout().lock();
    let shown = writeln!(
        out,
        "API key of the organization \"default\", shown this once:\n\n    {}\n",
        key.expose()
    )
    .and_then(|()| out.flush());
    if let Err(error) = shown {
        tracing::warn!(
            %error,
            "could not show the first API key; make another with `triggerhouse keys create --org default`"
        );
    }
}

/// SIGINT and SIGTERM.
struct Interrupts {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

impl Interrupts {
    fn listen() -> anyhow::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            interrupt: signal(SignalKind::interrupt()).context("SIGINT")?,
            terminate: signal(SignalKind::terminate()).context("SIGTERM")?,
        })
    }

    async fn first(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
