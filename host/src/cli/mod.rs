//! The command line.
//!
//! Owns: the commands, their options and their output. Each file is one command.
//! Never does: the work itself; it calls `triggerhouse::app`.

mod inbox;
mod keys;
mod migrate;
mod options;
mod providers;
mod send;
mod serve;
mod table;

use anyhow::Context;
use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Turns webhooks, polls and schedules into runs of automations: exactly once, and never
/// losing one.
#[derive(Debug, Parser)]
#[command(name = "triggerhouse", version, about, max_term_width = 100)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Accept webhooks, process them and serve the API
    Serve(serve::Serve),
    /// Bring the schema of the database up to date and exit
    Migrate(migrate::Migrate),
    /// Create, list and revoke API keys of organizations
    #[command(subcommand)]
    Keys(keys::Keys),
    /// See, retry and discard deliveries of every organization, and of none
    #[command(subcommand)]
    Inbox(inbox::Inbox),
    /// List the registered providers, or try one out
    #[command(subcommand)]
    Providers(providers::Providers),
    /// Sign a payload as the provider's service would, and post it
    Send(send::Send),
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
            Command::Migrate(migrate) => migrate.run().await,
            Command::Keys(keys) => keys.run().await,
            Command::Inbox(inbox) => inbox.run().await,
            Command::Providers(providers) => providers.run().await,
            Command::Send(send) => send.run().await,
        }
    })
}
