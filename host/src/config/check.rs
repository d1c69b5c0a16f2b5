//! The bounds of settings.

use super::Config;
use crate::domain::limits::EVENTS_PER_CALL_MAX;
use crate::egress::PublicUrls;
use crate::lock::Locks;
use anyhow::{Context, bail};
use url::Url;

/// Connections of either kind: more than a process may open files.
const CONNECTIONS_MAX: u64 = 1_000_000;
/// Deliveries of one transaction: a failed one is repeated whole.
const BATCH_MAX: u64 = 1_000;
/// Deliveries in memory, with their bodies.
const IN_FLIGHT_MAX: u64 = 10_000;
/// Deliveries that wait for the writer.
const QUEUE_MAX: u64 = 1_000_000;
/// Bytes of one request.
const BYTES_MAX: u64 = 1 << 30;
/// A week: whatever is longer is a mistake, and adding it to a time stays safe.
const SECONDS_MAX: u64 = 7 * 24 * 60 * 60;
const MILLISECONDS_MAX: u64 = SECONDS_MAX * 1_000;

impl Config {
    /// Settings that must be greater than 0, and how large they may be.
    fn numbers(&self) -> [(&'static str, u64, u64); 59] {
        let (ingress, inbox, outbox) = (&self.ingress, &self.inbox, &self.outbox);
        let (scheduler, polling) = (&self.scheduler, &self.polling);
        let (credentials, runs, sinks) = (&self.credentials, &self.runs, &self.sinks);
        let count = |count: i32| u64::try_from(count).unwrap_or(0);
        [
            (
                "database_connections_max",
                self.database_connections_max.into(),
                CONNECTIONS_MAX,
            ),
            (
                "database_answer_seconds_max",
                self.database_answer_seconds_max,
                SECONDS_MAX,
            ),
            (
                "shutdown_seconds_max",
                self.shutdown_seconds_max,
                SECONDS_MAX,
            ),
            (
                "ingress.connections_max",
                ingress.connections_max as u64,
                CONNECTIONS_MAX,
            ),
            (
                "ingress.body_bytes_max",
                ingress.body_bytes_max as u64,
                BYTES_MAX,
            ),
            (
                "ingress.header_bytes_max",
                ingress.header_bytes_max as u64,
                BYTES_MAX,
            ),
            (
                "ingress.request_timeout_ms",
                ingress.request_timeout_ms,
                MILLISECONDS_MAX,
            ),
            (
                "ingress.reading_bytes_max",
                ingress.reading_bytes_max as u64,
                u64::MAX,
            ),
            (
                "ingress.queue_deliveries_max",
                ingress.queue_deliveries_max as u64,
                QUEUE_MAX,
            ),
            (
                "ingress.queue_bytes_max",
                ingress.queue_bytes_max as u64,
                u64::MAX,
            ),
            (
                "ingress.batch_deliveries_max",
                ingress.batch_deliveries_max as u64,
                BATCH_MAX,
            ),
            (
                "ingress.routes_refresh_ms",
                ingress.routes_refresh_ms,
                MILLISECONDS_MAX,
            ),
            (
                "inbox.in_flight_max",
                inbox.in_flight_max as u64,
                IN_FLIGHT_MAX,
            ),
            (
                "inbox.settle_deliveries_max",
                inbox.settle_deliveries_max as u64,
                BATCH_MAX,
            ),
            (
                "inbox.in_flight_bytes_max",
                inbox.in_flight_bytes_max as u64,
                u64::MAX,
            ),
            (
                "inbox.settle_events_max",
                inbox.settle_events_max as u64,
                u64::MAX,
            ),
            (
                "inbox.delivery_seconds_max",
                inbox.delivery_seconds_max,
                SECONDS_MAX,
            ),
            ("inbox.lease_seconds", inbox.lease_seconds, SECONDS_MAX),
            ("inbox.attempts_max", count(inbox.attempts_max), u64::MAX),
            ("inbox.retry_base_ms", inbox.retry_base_ms, MILLISECONDS_MAX),
            ("inbox.retry_max_ms", inbox.retry_max_ms, MILLISECONDS_MAX),
            ("inbox.poll_ms", inbox.poll_ms, MILLISECONDS_MAX),
            (
                "scheduler.late_seconds",
                scheduler.late_seconds,
                SECONDS_MAX,
            ),
            (
                "scheduler.missed_ticks_max",
                scheduler.missed_ticks_max as u64,
                BATCH_MAX,
            ),
            ("scheduler.poll_ms", scheduler.poll_ms, MILLISECONDS_MAX),
            (
                "polling.interval_seconds_min",
                polling.interval_seconds_min.into(),
                SECONDS_MAX,
            ),
            ("polling.pages_max", polling.pages_max.into(), u64::MAX),
            (
                "polling.page_events_max",
                polling.page_events_max.into(),
                EVENTS_PER_CALL_MAX as u64,
            ),
            (
                "polling.page_rows_max",
                polling.page_rows_max.into(),
                u64::MAX,
            ),
            (
                "polling.filter_seconds_max",
                polling.filter_seconds_max,
                SECONDS_MAX,
            ),
            ("polling.lease_seconds", polling.lease_seconds, SECONDS_MAX),
            (
                "polling.retry_base_ms",
                polling.retry_base_ms,
                MILLISECONDS_MAX,
            ),
            (
                "polling.retry_max_ms",
                polling.retry_max_ms,
                MILLISECONDS_MAX,
            ),
            ("polling.poll_ms", polling.poll_ms, MILLISECONDS_MAX),
            ("outbox.attempts_max", count(outbox.attempts_max), u64::MAX),
            ("outbox.retry_seconds", outbox.retry_seconds, SECONDS_MAX),
            (
                "outbox.lease_seconds_max",
                outbox.lease_seconds_max,
                SECONDS_MAX,
            ),
            (
                "outbox.waiting_max",
                outbox.waiting_max.into(),
                CONNECTIONS_MAX,
            ),
            (
                "outbox.wait_seconds_max",
                outbox.wait_seconds_max,
                SECONDS_MAX,
            ),
            ("sinks.timeout_ms", sinks.timeout_ms, MILLISECONDS_MAX),
            ("sinks.lease_seconds", sinks.lease_seconds, SECONDS_MAX),
            ("sinks.attempts_max", count(sinks.attempts_max), u64::MAX),
            ("sinks.retry_base_ms", sinks.retry_base_ms, MILLISECONDS_MAX),
            ("sinks.retry_max_ms", sinks.retry_max_ms, MILLISECONDS_MAX),
            (
                "sinks.in_flight_max",
                sinks.in_flight_max.into(),
                IN_FLIGHT_MAX,
            ),
            (
                "sinks.per_sink_in_flight_max",
                sinks.per_sink_in_flight_max.into(),
                IN_FLIGHT_MAX,
            ),
            (
                "sinks.circuit_failures",
                count(sinks.circuit_failures),
                u64::MAX,
            ),
            ("sinks.circuit_seconds", sinks.circuit_seconds, SECONDS_MAX),
            (
                "sinks.stream_entries_max",
                sinks.stream_entries_max,
                i64::MAX as u64,
            ),
            ("sinks.poll_ms", sinks.poll_ms, MILLISECONDS_MAX),
            (
                "credentials.refresh_ahead_seconds",
                credentials.refresh_ahead_seconds,
                SECONDS_MAX,
            ),
            (
                "credentials.timeout_ms",
                credentials.timeout_ms,
                MILLISECONDS_MAX,
            ),
            ("runs.deadline_seconds", runs.deadline_seconds, SECONDS_MAX),
            (
                "runs.inactivity_seconds",
                runs.inactivity_seconds,
                SECONDS_MAX,
            ),
            ("runs.start_seconds", runs.start_seconds, SECONDS_MAX),
            ("runs.batch_runs_max", runs.batch_runs_max.into(), BATCH_MAX),
            ("runs.poll_ms", runs.poll_ms, MILLISECONDS_MAX),
            (
                "retention.every_seconds",
                self.retention.every_seconds,
                SECONDS_MAX,
            ),
            (
                "retention.pause_ms",
                self.retention.pause_ms,
                MILLISECONDS_MAX,
            ),
        ]
    }

    /// Refuses what could not work.
    pub(super) fn check(&self) -> anyhow::Result<()> {
        for (name, value, max) in self.numbers() {
            if value == 0 {
                bail!("{name}: expected a number greater than 0");
            }
            if value > max {
                bail!("{name}: expected at most {max}, got {value}");
            }
        }
        if self.database_connections_max < 3 {
            bail!(
                "database_connections_max: expected at least 3, one each for the writer, the listener and the rest"
            );
        }
        if !self.redis_url.is_blank() {
            Locks::new(self.redis_url.expose()).context("redis_url")?;
        }
        let (lease, delivery) = (self.inbox.lease_seconds, self.inbox.delivery_seconds_max);
        if lease <= delivery * 2 {
            bail!(
                "inbox.lease_seconds: expected more than twice inbox.delivery_seconds_max, which is \
                 {delivery}, got {lease}: half of a lease is for waiting, the other for working and settling"
            );
        }
        if let Err(error) = PublicUrls::new(&self.credentials.allow_hosts) {
            bail!("credentials.allow_hosts: {error}");
        }
        if let Err(error) = PublicUrls::new(&self.sinks.allow_hosts) {
            bail!("sinks.allow_hosts: {error}");
        }
        let (lease_ms, timeout_ms) = (self.sinks.lease_seconds * 1_000, self.sinks.timeout_ms);
        if lease_ms < timeout_ms * 2 {
            bail!(
                "sinks.lease_seconds: expected at least twice sinks.timeout_ms, which is \
                 {timeout_ms}: nobody else may send a message that is being sent"
            );
        }
        check_base_url(&self.nango.base_url).context("nango.base_url")?;
        for (section, base, max) in [
            ("sinks", self.sinks.retry_base_ms, self.sinks.retry_max_ms),
            ("inbox", self.inbox.retry_base_ms, self.inbox.retry_max_ms),
            (
                "polling",
                self.polling.retry_base_ms,
                self.polling.retry_max_ms,
            ),
        ] {
            if max < base {
                bail!(
                    "{section}.retry_max_ms: expected at least {section}.retry_base_ms, which is {base}, got {max}"
                );
            }
        }
        if !self.telemetry.otlp_endpoint.is_empty() {
            check_base_url(&self.telemetry.otlp_endpoint).context("telemetry.otlp_endpoint")?;
        }
        self.retention.check()?;
        if self.shutdown_notice_seconds > SECONDS_MAX {
            bail!(
                "shutdown_notice_seconds: expected at most {SECONDS_MAX}, got {}",
                self.shutdown_notice_seconds
            );
        }
        if self.roles.is_empty() {
            bail!("roles: expected at least one of ingress, workers, scheduler, dispatcher, api");
        }
        Ok(())
    }
}

/// A URL to which a path can be added.
fn check_base_url(text: &str) -> anyhow::Result<()> {
    let url: Url = text.parse().context("expected a URL")?;
    let is_web = matches!(url.scheme(), "http" | "https") && url.has_host();
    let is_bare = url.query().is_none() && url.fragment().is_none();
    // A password belongs into secret_key, where no log shows it.
    let is_open = url.username().is_empty() && url.password().is_none();
    if !(is_web && is_bare && is_open) {
        bail!("expected http or https, a host and perhaps a port and a path");
    }
    Ok(())
}

#[cfg(test)]
#[path = "check_tests.rs"]
mod tests;
