//! The tables of the configuration, each as `config.default.toml` documents it.

use crate::domain::schedule::FiringLimits;
use crate::secret::Secret;
use serde::Deserialize;
use std::time::Duration;

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
    pub waiting_max: u32,
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
