//! The configuration: `config.default.toml`, which documents every setting, below
//! a file, below the environment, below the command line.

mod check;
mod retention;

pub use retention::RetentionConfig;

use crate::domain::schedule::FiringLimits;
use crate::provider::{EgressLimits, EngineLimits, RegistryEntry};
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
    pub redis_url: Secret,
    pub master_key: String,
    pub master_key_file: PathBuf,
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

/// See `config.default.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "documented in config.default.toml")]
pub struct LogConfig {
    pub filter: String,
    pub format: LogFormat,
}

/// See `config.default.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "documented in config.default.toml")]
pub struct TelemetryConfig {
    pub otlp_endpoint: String,
}

/// How log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// See `config.default.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "documented in config.default.toml")]
pub struct IngressConfig {
    pub connections_max: usize,
    pub body_bytes_max: usize,
    pub header_bytes_max: usize,
    pub request_timeout_ms: u64,
    pub reading_bytes_max: usize,
    pub queue_deliveries_max: usize,
    pub queue_bytes_max: usize,
    pub batch_deliveries_max: usize,
    pub routes_refresh_ms: u64,
    pub source_per_second: u32,
    pub source_burst: u32,
    pub app_per_second: u32,
    pub app_burst: u32,
    pub organization_per_second: u32,
    pub organization_burst: u32,
    pub unverified_per_second: u32,
    pub unverified_burst: u32,
}

/// See `config.default.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "documented in config.default.toml")]
pub struct InboxConfig {
    pub in_flight_max: usize,
    pub in_flight_bytes_max: usize,
    pub settle_deliveries_max: usize,
    pub settle_events_max: usize,
    pub delivery_seconds_max: u64,
    pub lease_seconds: u64,
    pub attempts_max: i32,
    pub retry_base_ms: u64,
    pub retry_max_ms: u64,
    pub poll_ms: u64,
}

/// See `config.default.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "documented in config.default.toml")]
pub struct SchedulerConfig {
    pub late_seconds: u64,
    pub missed_ticks_max: usize,
    pub poll_ms: u64,
}

impl SchedulerConfig {
    /// The limits on firing.
    pub fn limits(&self) -> FiringLimits {
        FiringLimits {
            late: Duration::from_secs(self.late_seconds),
            missed_ticks_max: self.missed_ticks_max,
        }
    }
}

/// See `config.default.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "documented in config.default.toml")]
pub struct PollingConfig {
    pub interval_seconds_min: u32,
    pub pages_max: u32,
    pub page_events_max: u32,
    pub page_rows_max: u32,
    pub filter_seconds_max: u64,
    pub lease_seconds: u64,
    pub retry_base_ms: u64,
    pub retry_max_ms: u64,
    pub poll_ms: u64,
}

/// See `config.default.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "documented in config.default.toml")]
pub struct OutboxConfig {
    pub attempts_max: i32,
    pub retry_seconds: u64,
    pub lease_seconds_max: u64,
    pub wait_seconds_max: u64,
}

/// See `config.default.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "documented in config.default.toml")]
pub struct SinksConfig {
    pub allow_hosts: Vec<String>,
    pub timeout_ms: u64,
    pub lease_seconds: u64,
    pub attempts_max: i32,
    pub retry_base_ms: u64,
    pub retry_max_ms: u64,
    pub in_flight_max: u32,
    pub per_sink_in_flight_max: u32,
    pub circuit_failures: i32,
    pub circuit_seconds: u64,
    pub stream_entries_max: u64,
    pub stream_prefix: String,
    pub poll_ms: u64,
}

/// See `config.default.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "documented in config.default.toml")]
pub struct CredentialsConfig {
    pub allow_hosts: Vec<String>,
    pub refresh_ahead_seconds: u64,
    pub timeout_ms: u64,
}

/// See `config.default.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "documented in config.default.toml")]
pub struct RunsConfig {
    pub deadline_seconds: u64,
    pub inactivity_seconds: u64,
    pub start_seconds: u64,
    pub batch_runs_max: u32,
    pub poll_ms: u64,
}

/// See `config.default.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "documented in config.default.toml")]
pub struct NangoConfig {
    pub signing_key: Secrets,
    pub secret_key: Secret,
    pub base_url: String,
}

impl NangoConfig {
    /// Whether its API can be asked for credentials.
    pub fn has_api(&self) -> bool {
        !self.secret_key.is_blank()
    }
}

/// See `config.default.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "documented in config.default.toml")]
pub struct GithubAppConfig {
    pub webhook_secret: Secrets,
}

/// A secret, or a list of them while one is replaced by another.
#[derive(Clone, Debug, Deserialize)]
#[serde(from = "OneOrMany")]
pub struct Secrets(pub Vec<Secret>);

#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a secret or a list of secrets")]
enum OneOrMany {
    One(Secret),
    Many(Vec<Secret>),
}

impl From<OneOrMany> for Secrets {
    fn from(secrets: OneOrMany) -> Self {
        match secrets {
            OneOrMany::One(secret) => Self(vec![secret]),
            OneOrMany::Many(secrets) => Self(secrets),
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
mod tests {
    use super::*;

    fn load(environment: &[(&str, &str)], flags: &str) -> anyhow::Result<Config> {
        let environment = environment
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
        Config::load(None, environment, flags.parse().unwrap())
    }

    #[test]
    fn the_default_configuration_is_complete() {
        let config = load(&[], "").unwrap();
        assert_eq!(config.public_url(), "http://127.0.0.1:8787");
        assert!(config.has_role(Role::Workers));
        assert_eq!(config.engine, EngineLimits::default());
        assert_eq!(config.egress, EgressLimits::default());
    }

    #[test]
    fn flags_stand_above_the_environment_above_the_default() {
        let environment = [
            ("TRIGGERHOUSE_LISTEN", "1.2.3.4:5"),
            ("TRIGGERHOUSE_INBOX_POLL_MS", "7"),
        ];
        let config = load(&environment, "listen = '9.9.9.9:9'").unwrap();
        assert_eq!(config.listen, "9.9.9.9:9");
        assert_eq!(config.inbox.poll_ms, 7);
    }

    #[test]
    fn a_wrong_setting_is_named() {
        let error = load(&[("TRIGGERHOUSE_INBOX_POLL_MS", "soon")], "").unwrap_err();
        assert!(
            format!("{error:#}").contains("TRIGGERHOUSE_INBOX_POLL_MS"),
            "{error:#}"
        );
        let error = load(&[], "[inbox]\nattempts = 3").unwrap_err();
        assert!(format!("{error:#}").contains("attempts"), "{error:#}");
    }
    #[test]
    fn no_secret_shows_in_what_is_printed_for_debugging() {
        let flags = "master_key = 'the-master-key'
            database_url = 'postgres://me:the-password@host/db'
            redis_url = 'rediss://me:the-redis-password@host'
            [nango]
            signing_key = ['a-signing-key']
            secret_key = 'a-secret-key'
            [[providers]]
            id = 'x'
            settings = { key = 'a-setting' }
            app_secrets = ['an-app-secret']";
        let shown = format!("{:?}", load(&[], flags).unwrap());
        for secret in [
            "the-master-key",
            "the-password",
            "the-redis-password",
            "a-setting",
            "an-app-secret",
            "a-signing-key",
            "a-secret-key",
        ] {
            assert!(!shown.contains(secret), "{shown}");
        }
    }

    #[test]
    fn a_lease_has_room_for_waiting_and_for_working() {
        let error = load(
            &[],
            "[inbox]\nlease_seconds = 40\ndelivery_seconds_max = 20",
        )
        .unwrap_err();
        assert!(
            format!("{error:#}").starts_with("inbox.lease_seconds: expected more than twice"),
            "{error:#}"
        );
        assert!(load(&[], "[inbox]\nlease_seconds = 41").is_ok());
    }
}
