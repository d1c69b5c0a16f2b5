//! Log lines: for people or as JSON, filtered as configured, on standard error.
//!
//! One message that can be read alone, and the same ids as fields (`inbox.id`,
//! `provider.id`, `trigger.id`, `integration.id`, `attempt`). Never bodies, secrets
//! or tokens.

use crate::config::{LogConfig, LogFormat};
use anyhow::Context;
use std::io::IsTerminal;
use tracing_subscriber::EnvFilter;

/// Starts logging for the whole process.
///
/// # Errors
/// If the filter cannot be read, or logging was started before.
pub fn start(config: &LogConfig) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(&config.filter).with_context(|| {
        format!(
            "log.filter: expected a level or target=level pairs, got {:?}",
            config.filter
        )
    })?;
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    let started = match config.format {
        LogFormat::Text => lines.try_init(),
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
    };
    started.map_err(|error| anyhow::anyhow!("cannot start logging: {error}"))
}
