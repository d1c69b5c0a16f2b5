//! The tables of `config.default.toml`, which documents every field.

use super::number::{Bytes, Count, I32_MAX, Millis, Seconds, U32_MAX, UNBOUNDED, WEEK, WEEK_MS};
use super::setting::{Setting, settings};
use super::text::{BaseUrl, OptionalUrl, Secrets};
use crate::domain::limits::EVENTS_PER_CALL_MAX;
use crate::domain::schedule::FiringLimits;
use crate::domain::text_enum::text_enum;
use crate::egress::PublicUrls;
use crate::secret::Secret;

/// More connections than a process may open files.
pub(super) const CONNECTIONS_MAX: u64 = 1_000_000;
/// Rows of one transaction: a transaction that fails is repeated whole.
const BATCH_MAX: u64 = 1_000;
/// Deliveries or messages in memory, with their bodies.
const IN_FLIGHT_MAX: u64 = 10_000;
/// Deliveries that wait for the writer.
const QUEUE_MAX: u64 = 1_000_000;
/// One request: 1 GiB.
const REQUEST_BYTES_MAX: u64 = 1 << 30;

settings! {
    /// `[log]`
    pub struct LogConfig {
        pub filter: String,
        pub format: LogFormat,
    }
}

text_enum! {
    /// The form of log lines.
    pub enum LogFormat {
        /// Lines for a terminal.
        Text = "text",
        /// One JSON object a line.
        Json = "json",
    }
}

impl Setting for LogFormat {}

settings! {
    /// `[telemetry]`
    pub struct TelemetryConfig {
        pub otlp_endpoint: OptionalUrl,
    }
}

settings! {
    /// `[api]`
    pub struct ApiConfig {
        pub organization_connections_max: Count<1, CONNECTIONS_MAX>,
    }
}

settings! {
    /// `[ingress]`
    pub struct IngressConfig {
        pub connections_max: Count<1, CONNECTIONS_MAX>,
        pub body_bytes_max: Bytes<1, REQUEST_BYTES_MAX>,
        pub header_bytes_max: Bytes<1, REQUEST_BYTES_MAX>,
        pub request_timeout_ms: Millis<1, WEEK_MS>,
        pub reading_bytes_max: Bytes<1, UNBOUNDED>,
        pub queue_deliveries_max: Count<1, QUEUE_MAX>,
        pub queue_bytes_max: Bytes<1, UNBOUNDED>,
        pub batch_deliveries_max: Count<1, BATCH_MAX>,
        pub routes_refresh_ms: Millis<1, WEEK_MS>,
        pub source_per_second: Count<0, U32_MAX>,
        pub source_burst: Count<0, U32_MAX>,
        pub app_per_second: Count<0, U32_MAX>,
        pub app_burst: Count<0, U32_MAX>,
        pub organization_per_second: Count<0, U32_MAX>,
        pub organization_burst: Count<0, U32_MAX>,
        pub unverified_per_second: Count<0, U32_MAX>,
        pub unverified_burst: Count<0, U32_MAX>,
    }
}

settings! {
    /// `[inbox]`
    pub struct InboxConfig {
        pub in_flight_max: Count<1, IN_FLIGHT_MAX>,
        pub in_flight_bytes_max: Bytes<1, UNBOUNDED>,
        pub settle_deliveries_max: Count<1, BATCH_MAX>,
        pub settle_events_max: Count<1, UNBOUNDED>,
        pub settle_bytes_max: Bytes<1, REQUEST_BYTES_MAX>,
        pub delivery_seconds_max: Seconds<1, WEEK>,
        pub open_seconds_max: Seconds<1, WEEK>,
        pub lease_seconds: Seconds<1, WEEK>,
        pub retry_seconds_max: Seconds<0, WEEK>,
        pub deaths_max: Count<1, I32_MAX>,
        pub retry_base_ms: Millis<1, WEEK_MS>,
        pub retry_max_ms: Millis<1, WEEK_MS>,
        pub wait_ms: Millis<1, WEEK_MS>,
        pub poll_ms: Millis<1, WEEK_MS>,
    }
}

settings! {
    /// `[scheduler]`
    pub struct SchedulerConfig {
        pub late_seconds: Seconds<1, WEEK>,
        pub missed_ticks_max: Count<1, BATCH_MAX>,
        pub fire_events_max: Count<1, BATCH_MAX>,
        pub poll_ms: Millis<1, WEEK_MS>,
    }
}

impl SchedulerConfig {
    /// The limits on firing.
    pub fn limits(&self) -> FiringLimits {
        FiringLimits {
            late: self.late_seconds.duration(),
            missed_ticks_max: self.missed_ticks_max.usize(),
            events_max: self.fire_events_max.usize(),
        }
    }
}

settings! {
    /// `[polling]`
    pub struct PollingConfig {
        pub interval_seconds_min: Seconds<1, WEEK>,
        pub organization_polls_max: Count<1, CONNECTIONS_MAX>,
        pub pages_max: Count<1, U32_MAX>,
        pub rounds_max: Count<0, I32_MAX>,
        pub page_events_max: Count<1, { EVENTS_PER_CALL_MAX as u64 }>,
        pub page_rows_max: Count<1, U32_MAX>,
        pub settle_events_max: Count<1, UNBOUNDED>,
        pub settle_bytes_max: Bytes<1, REQUEST_BYTES_MAX>,
        pub filter_seconds_max: Seconds<1, WEEK>,
        pub lease_seconds: Seconds<1, WEEK>,
        pub retry_base_ms: Millis<1, WEEK_MS>,
        pub retry_max_ms: Millis<1, WEEK_MS>,
        pub poll_ms: Millis<1, WEEK_MS>,
    }
}

settings! {
    /// `[outbox]`
    pub struct OutboxConfig {
        pub attempts_max: Count<1, I32_MAX>,
        pub retry_seconds: Seconds<1, WEEK>,
        pub lease_seconds_max: Seconds<1, WEEK>,
        pub wait_seconds_max: Seconds<1, WEEK>,
        pub waiting_max: Count<1, CONNECTIONS_MAX>,
    }
}

settings! {
    /// `[sinks]`
    pub struct SinksConfig {
        pub allow_hosts: PublicUrls,
        pub timeout_ms: Millis<1, WEEK_MS>,
        pub lease_seconds: Seconds<1, WEEK>,
        pub give_up_seconds: Seconds<0, WEEK>,
        pub retry_base_ms: Millis<1, WEEK_MS>,
        pub retry_max_ms: Millis<1, WEEK_MS>,
        pub in_flight_max: Count<1, IN_FLIGHT_MAX>,
        pub per_sink_in_flight_max: Count<1, IN_FLIGHT_MAX>,
        pub circuit_failures: Count<1, I32_MAX>,
        pub circuit_seconds: Seconds<1, WEEK>,
        pub stream_entries_max: Count<1, UNBOUNDED>,
        pub stream_prefix: String,
        pub poll_ms: Millis<1, WEEK_MS>,
    }
}

settings! {
    /// `[credentials]`
    pub struct CredentialsConfig {
        pub allow_hosts: PublicUrls,
        pub refresh_ahead_seconds: Seconds<1, WEEK>,
        pub timeout_ms: Millis<1, WEEK_MS>,
    }
}

settings! {
    /// `[runs]`
    pub struct RunsConfig {
        pub deadline_seconds: Seconds<1, WEEK>,
        pub inactivity_seconds: Seconds<1, WEEK>,
        pub start_seconds: Seconds<1, WEEK>,
        pub batch_runs_max: Count<1, BATCH_MAX>,
        pub poll_ms: Millis<1, WEEK_MS>,
    }
}

settings! {
    /// `[nango]`
    pub struct NangoConfig {
        pub signing_key: Secrets,
        pub secret_key: Secret,
        pub base_url: BaseUrl,
    }
}

impl NangoConfig {
    /// True if Nango's API can be asked for credentials.
    pub fn has_api(&self) -> bool {
        !self.secret_key.is_blank()
    }
}

settings! {
    /// `[github_app]`
    pub struct GithubAppConfig {
        pub webhook_secret: Secrets,
    }
}
