//! The configuration: `config.default.toml`, which documents every setting, below
//! a file, below the environment, below the command line.

mod check;
mod retention;
mod sections;

pub use retention::RetentionConfig;
pub use sections::{
    CredentialsConfig, GithubAppConfig, InboxConfig, IngressConfig, LogConfig, LogFormat,
    NangoConfig, OutboxConfig, PollingConfig, RunsConfig, SchedulerConfig, Secrets, SinksConfig,
    TelemetryConfig,
};

use crate::egress::EgressLimits;
use crate::provider::{EngineLimits, RegistryEntry};
use crate::secret::Secret;
use anyhow::Context;
use serde::Deserialize;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;
use toml::{Table, Value};

const DEFAULT: &str = include_str!("../../config.default.toml");
const ENV_PREFIX: &str = "TRIGGERHOUSE_";

/// See `config.default.toml`.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "documented in config.default.toml")]
pub struct Config {
    pub listen: String,
    pub public_url: String,
    pub database_url: String,
    pub database_connections_max: u32,
    pub database_answer_seconds_max: u64,
    pub redis_url: Secret,
    pub master_key: String,
    pub master_key_file: PathBuf,
    pub master_key_replaced: bool,
    pub roles: Vec<Role>,
    pub providers_dir: String,
    pub component_cache_dir: String,
    pub shutdown_seconds_max: u64,
    pub shutdown_notice_seconds: u64,
    pub log: LogConfig,
    pub telemetry: TelemetryConfig,
    pub ingress: IngressConfig,
    pub inbox: InboxConfig,
    pub scheduler: SchedulerConfig,
    pub polling: PollingConfig,
    pub outbox: OutboxConfig,
    pub sinks: SinksConfig,
    pub runs: RunsConfig,
    pub retention: RetentionConfig,
    pub engine: EngineLimits,
    pub egress: EgressLimits,
    pub credentials: CredentialsConfig,
    pub nango: NangoConfig,
    pub github_app: GithubAppConfig,
    #[serde(default)]
    pub providers: Vec<RegistryEntry>,
}

/// What a process does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Takes webhooks.
    Ingress,
    /// Processes the inbox.
    Workers,
    /// Fires triggers by the clock.
    Scheduler,
    /// Sends messages to sinks.
    Dispatcher,
    /// Serves `/v1`.
    Api,
}

impl Role {
    /// Its name in the configuration.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ingress => "ingress",
            Self::Workers => "workers",
            Self::Scheduler => "scheduler",
            Self::Dispatcher => "dispatcher",
            Self::Api => "api",
        }
    }
}

impl Config {
    /// Reads the configuration; `environment` is that of the process, and
    /// `flags` stands above all.
    ///
    /// # Errors
    /// If the file cannot be read, or a setting is unknown or of the wrong type:
    /// the message names it.
    pub fn load(
        file: Option<&Path>,
        environment: impl Iterator<Item = (String, String)>,
        flags: Table,
    ) -> anyhow::Result<Self> {
        let mut config: Table = DEFAULT.parse().context("config.default.toml")?;
        let defaults = config.clone();
        if let Some(path) = file {
            let text = std::fs::read_to_string(path)
                .with_context(|| format!("cannot read the configuration {}", path.display()))?;
            let table: Table = text
                .parse()
                .with_context(|| format!("{} is not valid TOML", path.display()))?;
            merge(&mut config, table);
        }
        for (name, value) in environment {
            if let Some(path) = name.strip_prefix(ENV_PREFIX) {
                set_from_environment(&mut config, &defaults, path, &value)
                    .with_context(|| format!("the environment variable {name}"))?;
            }
        }
        merge(&mut config, flags);
        let config: Self = config.try_into().context("the configuration")?;
        config.check()?;
        Ok(config)
    }

    /// What webhook URLs start with, without a slash at its end.
    pub fn public_url(&self) -> String {
        match self.public_url.trim_end_matches('/') {
            "" => format!("http://{}", self.listen),
            url => url.to_owned(),
        }
    }

    /// Whether this process plays a role.
    pub fn has_role(&self, role: Role) -> bool {
        self.roles.contains(&role)
    }

    /// For how long a process that is asked to end says so before it does.
    pub fn shutdown_notice(&self) -> Duration {
        Duration::from_secs(self.shutdown_notice_seconds)
    }

    /// How long a shutdown may take.
    pub fn shutdown_max(&self) -> Duration {
        Duration::from_secs(self.shutdown_seconds_max)
    }
}

/// Without what must not be read in a log: the master key, the passwords of the database
/// and of Redis, and what providers are given.
impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let database = self.database_url.split(':').next();
        f.debug_struct("Config")
            .field("listen", &self.listen)
            .field("public_url", &self.public_url)
            .field("database", &database.unwrap_or_default())
            .field("database_connections_max", &self.database_connections_max)
            .field("redis", &!self.redis_url.is_blank())
            .field("roles", &self.roles)
            .field("shutdown_seconds_max", &self.shutdown_seconds_max)
            .field("log", &self.log)
            .field("telemetry", &self.telemetry)
            .field("ingress", &self.ingress)
            .field("inbox", &self.inbox)
            .field("scheduler", &self.scheduler)
            .field("polling", &self.polling)
            .field("outbox", &self.outbox)
            .field("sinks", &self.sinks)
            .field("runs", &self.runs)
            .field("retention", &self.retention)
            .field("engine", &self.engine)
            .field("egress", &self.egress)
            .field("credentials", &self.credentials)
            .field("nango", &self.nango)
            .finish_non_exhaustive()
    }
}

/// Puts `over` above `base`, table by table.
fn merge(base: &mut Table, over: Table) {
    for (key, value) in over {
        match (base.get_mut(&key), value) {
            (Some(Value::Table(base)), Value::Table(over)) => merge(base, over),
            (_, value) => {
                base.insert(key, value);
            }
        }
    }
}

/// `DATABASE_URL` is `database_url`, `INBOX_POLL_MS` is `inbox.poll_ms`: what the
/// default configuration knows decides where a table's name ends. Variables for
/// other things (tests, other releases) are left alone.
fn set_from_environment(
    config: &mut Table,
    defaults: &Table,
    path: &str,
    text: &str,
) -> anyhow::Result<()> {
    let name = path.to_ascii_lowercase();
    if let Some(default) = defaults.get(&name) {
        config.insert(name, typed(default, text)?);
        return Ok(());
    }
    for (section, value) in defaults {
        let Value::Table(table) = value else { continue };
        let key = name
            .strip_prefix(section.as_str())
            .and_then(|rest| rest.strip_prefix('_'));
        if let Some((key, default)) = key.and_then(|key| table.get_key_value(key))
            && let Some(Value::Table(table)) = config.get_mut(section)
        {
            table.insert(key.clone(), typed(default, text)?);
        }
    }
    Ok(())
}

/// Text as a value of the default's type.
fn typed(default: &Value, text: &str) -> anyhow::Result<Value> {
    Ok(match default {
        Value::String(_) => Value::String(text.to_owned()),
        _ => {
            let parsed: Table = format!("value = {text}").parse().with_context(|| {
                format!("expected {} in TOML, got {text:?}", default.type_str())
            })?;
            parsed.get("value").cloned().context("expected a value")?
        }
    })
}

#[cfg(test)]
mod tests;
