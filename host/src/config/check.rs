//! The bounds of settings.

use super::Config;
use anyhow::bail;

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
    fn numbers(&self) -> [(&'static str, u64, u64); 33] {
        let (ingress, inbox, outbox) = (&self.ingress, &self.inbox, &self.outbox);
        let (scheduler, runs) = (&self.scheduler, &self.runs);
        let count = |count: i32| u64::try_from(count).unwrap_or(0);
        [
            (
                "database_connections_max",
                self.database_connections_max.into(),
                CONNECTIONS_MAX,
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
            ("outbox.attempts_max", count(outbox.attempts_max), u64::MAX),
            ("outbox.retry_seconds", outbox.retry_seconds, SECONDS_MAX),
            (
                "outbox.lease_seconds_max",
                outbox.lease_seconds_max,
                SECONDS_MAX,
            ),
            (
                "outbox.wait_seconds_max",
                outbox.wait_seconds_max,
                SECONDS_MAX,
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
        let (lease, delivery) = (self.inbox.lease_seconds, self.inbox.delivery_seconds_max);
        if lease <= delivery * 2 {
            bail!(
                "inbox.lease_seconds: expected more than twice inbox.delivery_seconds_max, which is \
                 {delivery}, got {lease}: half of a lease is for waiting, the other for working and settling"
            );
        }
        if self.roles.is_empty() {
            bail!("roles: expected at least one of ingress, workers, api");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_out_of_its_bounds_is_named() {
        for (flags, expected) in [
            (
                "[outbox]\nretry_seconds = 0",
                "outbox.retry_seconds: expected a number greater than 0",
            ),
            (
                "[outbox]\nattempts_max = -1",
                "outbox.attempts_max: expected a number greater than 0",
            ),
            (
                "[ingress]\nrequest_timeout_ms = 0",
                "ingress.request_timeout_ms: expected a number greater than 0",
            ),
            (
                "[inbox]\nin_flight_max = 10001",
                "inbox.in_flight_max: expected at most 10000, got 10001",
            ),
            (
                "[inbox]\nsettle_deliveries_max = 1001",
                "inbox.settle_deliveries_max: expected at most 1000",
            ),
            (
                "[runs]\ndeadline_seconds = 604801",
                "runs.deadline_seconds: expected at most 604800, got 604801",
            ),
            (
                "[ingress]\nbatch_deliveries_max = 1001",
                "ingress.batch_deliveries_max: expected at most 1000",
            ),
        ] {
            let error = Config::load(None, std::iter::empty(), flags.parse().unwrap())
                .unwrap_err()
                .to_string();
            assert!(error.starts_with(expected), "{error}");
        }
    }
}
