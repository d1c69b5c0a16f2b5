//! `triggerhouse serve`: the process from its start to its end by a signal.

use super::options::{Common, set_providers};
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
    /// The roles of this process, separated by commas; all by default
    #[arg(long, value_delimiter = ',', value_name = "ROLES")]
    roles: Vec<Role>,
}

impl Serve {
    pub async fn run(self) -> anyhow::Result<ExitCode> {
        let mut flags = Table::new();
        if let Some(listen) = &self.listen {
            flags.insert("listen".into(), Value::String(listen.clone()));
        }
        set_providers(&mut flags, self.providers.as_deref())?;
        if !self.roles.is_empty() {
            let words = self
                .roles
                .iter()
                .map(|role| Value::String(role.to_string()));
            flags.insert("roles".into(), Value::Array(words.collect()));
        }
        let config = self.common.load(flags)?;
        let telemetry = telemetry::start(&config.log, &config.telemetry)?;
        let mut stop = Interrupts::listen()?;
        let notice = config.shutdown_notice_seconds.duration();
        let app = tokio::select! {
            app = App::start(config, show) => app?,
            () = stop.first() => {
                tracing::info!("stopped while it was starting");
                return Ok(ExitCode::SUCCESS);
            }
        };
        let fallen = tokio::select! {
            () = stop.first() => None,
            task = app.fallen() => Some(task),
        };
        if fallen.is_none() && !notice.is_zero() {
            app.leave();
            tracing::info!("shutting down: /readyz answers 503, requests are still accepted");
            tokio::select! {
                () = tokio::time::sleep(notice) => {}
                // A second signal skips the notice.
                () = stop.first() => {}
            }
        }
        tracing::info!("stopping: accepting no more requests, finishing claimed work");
        let ended = async {
            app.stop().await;
            telemetry.end().await;
        };
        tokio::select! {
            () = ended => match fallen {
                None => Ok(ExitCode::SUCCESS),
                Some(task) => anyhow::bail!("stopped, because the {task} ended before its time"),
            },
            () = stop.first() => {
                tracing::warn!("stopping at once; other workers take over the claims when their leases expire");
                Ok(ExitCode::FAILURE)
            }
        }
    }
}

/// Prints the first key. If standard output is closed, the host starts nevertheless;
/// `println!` would panic.
fn show(key: &Secret) {
    let mut out = std::io::stdout().lock();
    let shown = writeln!(
        out,
        "API key of the organization \"default\", shown only once:\n\n    {}\n",
        key.expose()
    )
    .and_then(|()| out.flush());
    if let Err(error) = shown {
        tracing::warn!(
            %error,
            "could not print the first API key; create another with `triggerhouse keys create --org default`"
        );
    }
}

/// The signals that end the process: SIGINT and SIGTERM.
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
