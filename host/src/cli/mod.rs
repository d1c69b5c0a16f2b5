//! The commands.

mod keys;
mod providers;
mod send;
mod serve;
mod table;

use anyhow::Context;
use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;
use std::process::ExitCode;
use toml::{Table, Value};
use triggerhouse::config::{Config, Role};

/// Turns things that happen elsewhere into runs of automations: exactly once, and
/// never losing one.
#[derive(Debug, Parser)]
#[command(name = "triggerhouse", version, about, max_term_width = 100)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Take webhooks, process them and serve the API
    Serve(serve::Serve),
    /// Bring the database's schema up to date and exit
    Migrate(Common),
    /// API keys of organizations
    #[command(subcommand)]
    Keys(keys::Keys),
    /// Providers: what is registered, and trying one out
    #[command(subcommand)]
    Providers(providers::Providers),
    /// Sign a payload as a provider's service would, and post it
    Send(send::Send),
}

/// Options of every command that uses the configuration.
#[derive(Debug, Args)]
struct Common {
    /// The configuration file (TOML); see config.default.toml
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// sqlite://FILE or postgres://…
    #[arg(long, value_name = "URL")]
    database_url: Option<String>,
}

impl Common {
    /// The configuration below the command line's `flags`.
    fn load(&self, mut flags: Table) -> anyhow::Result<Config> {
        if let Some(url) = &self.database_url {
            flags.insert("database_url".into(), Value::String(url.clone()));
        }
        Config::load(self.config.as_deref(), std::env::vars(), flags)
    }
}

/// Runs a command.
pub fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    runtime.block_on(async {
        match arguments.command {
            Command::Serve(serve) => serve.run().await,
            Command::Migrate(common) => migrate(common).await,
            Command::Keys(keys) => keys.run().await,
            Command::Providers(providers) => providers.run().await,
            Command::Send(send) => send.run().await,
        }
    })
}

async fn migrate(common: Common) -> anyhow::Result<ExitCode> {
    let store = triggerhouse::app::open_store(&common.load(Table::new())?, true).await?;
    store.migrate().await?;
    store.close().await;
    println!("the database is up to date");
    Ok(ExitCode::SUCCESS)
}

/// `K:V` as a header.
fn header(text: &str) -> Result<(String, String), String> {
    let (name, value) = text
        .split_once(':')
        .ok_or_else(|| format!("expected NAME:VALUE, got {text:?}"))?;
    Ok((name.trim().to_ascii_lowercase(), value.trim().to_owned()))
}

/// The roles as a value of the configuration.
fn roles(roles: &[Role]) -> Value {
    use clap::ValueEnum;
    let names = roles.iter().filter_map(|role| role.to_possible_value());
    Value::Array(
        names
            .map(|name| Value::String(name.get_name().to_owned()))
            .collect(),
    )
}
