//! Options that several commands share.

use anyhow::Context;
use clap::Args;
use std::path::{Path, PathBuf};
use toml::{Table, Value};
use triggerhouse::config::Config;

/// The options of every command that reads the configuration.
#[derive(Debug, Args)]
pub struct Common {
    /// The configuration file (TOML); config.default.toml documents all settings
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The database: sqlite://FILE or postgres://…
    #[arg(long, value_name = "URL")]
    database_url: Option<String>,
}

impl Common {
    /// The configuration; `flags` of the command line override it.
    pub fn load(&self, mut flags: Table) -> anyhow::Result<Config> {
        if let Some(url) = &self.database_url {
            flags.insert("database_url".into(), Value::String(url.clone()));
        }
        Config::load(self.config.as_deref(), std::env::vars(), flags)
    }
}

/// Sets `providers_dir` if the command line has `--providers`.
pub fn set_providers(flags: &mut Table, directory: Option<&Path>) -> anyhow::Result<()> {
    if let Some(directory) = directory {
        let directory = directory.to_str().context("--providers: expected UTF-8")?;
        flags.insert("providers_dir".into(), Value::String(directory.into()));
    }
    Ok(())
}

/// The header in `NAME:VALUE`, its name in lower case.
pub fn header(text: &str) -> Result<(String, String), String> {
    let (name, value) = text
        .split_once(':')
        .ok_or_else(|| format!("expected NAME:VALUE, got {text:?}"))?;
    Ok((name.trim().to_ascii_lowercase(), value.trim().to_owned()))
}
