//! Every figure by name: what it is, in which unit, and what tells its values apart.

/// What a figure does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Only grows, from 0 at the start of the process.
    Counter,
    /// Goes up and down.
    Gauge,
    /// A distribution, in buckets.
    Histogram,
}

impl Kind {
    /// As Prometheus calls it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// One figure of `/metrics`.
#[derive(Clone, Copy, Debug)]
pub struct Figure {
    /// With its unit at the end; a counter's ends in `_total`.
    pub name: &'static str,
    /// What it does.
    pub kind: Kind,
    /// What tells its values apart. Never a tenant: there may be any number of them.
    pub labels: &'static [&'static str],
    /// What it says, in one line.
    pub help: &'static str,
}

macro_rules! figures {
    ($($constant:ident = $name:literal, $kind:ident, [$($label:literal),*], $help:literal;)+) => {
        $(pub(super) const $constant: &str = concat!("triggerhouse_", $name);)+

        /// All of them.
        pub const FIGURES: &[Figure] = &[$(Figure {
            name: $constant,
            kind: Kind::$kind,
            labels: &[$($label),*],
            help: $help,
        }),+];
    };
}

figures! {
    INGRESS_ACK = "ingress_ack_seconds", Histogram, ["route"],
        "From the arrival of a webhook's headers to its commit; its count is what was acknowledged";
    INGRESS_REJECTS = "ingress_rejects_total", Counter, ["reason"],
        "Webhooks that were refused";
    INGRESS_DUPLICATES = "ingress_duplicates_total", Counter, [],
        "Webhooks that were acknowledged and had been committed before";
    INBOX_BACKLOG = "inbox_backlog_deliveries", Gauge, [],
        "Deliveries that wait or are being processed; more than 100000 are counted as so many";
    INBOX_OLDEST = "inbox_oldest_age_seconds", Gauge, [],
        "Age of the oldest of them; 0 if there is none";
    INBOX_CLAIMED = "inbox_claimed_total", Counter, [],
        "Deliveries that this process has claimed";
    INBOX_RECLAIMED = "inbox_reclaimed_total", Counter, [],
        "Of those, the ones whose last worker let its lease lapse";
    INBOX_SETTLED = "inbox_settled_total", Counter, ["result"],
        "Deliveries that were settled: completed, retried or failed (a dead letter)";
    PROVIDER_CALL = "provider_call_seconds", Histogram, ["provider", "call"],
        "Calls of providers: parse, filter and poll, which waits for its service";
    PROVIDER_FAILURES = "provider_failures_total", Counter, ["provider", "kind"],
        "Calls that ended in a trap, broke a limit or broke the contract";
    EVENTS = "events_total", Counter, ["status", "reason"],
        "Events that were written, by their first status and why they were skipped";
    EVENTS_DUPLICATES = "events_duplicates_total", Counter, [],
        "Events that their trigger had seen before";
    POLLS = "polls_total", Counter, ["provider", "result"],
        "Polls that ended: settled, failed, rate_limited, unauthorized, given_back or lost";
    POLL_OVERDUE = "poll_overdue_seconds", Gauge, [],
        "For how long the poll that waits longest has been due; 0 if none is";
    CURSOR_AGE = "poll_cursor_age_seconds", Gauge, ["provider"],
        "Age of the oldest cursor of the poll groups that are polled";
    NEEDS_REAUTH = "integrations_needs_reauth", Gauge, [],
        "Integrations whose service refuses their credential: not polled until a person gives another one";
    TICK_LAG = "scheduler_lag_seconds", Histogram, [],
        "How late ticks were fired";
    TICK_OVERDUE = "scheduler_overdue_seconds", Gauge, [],
        "For how long the tick that waits longest has been due; 0 if none is";
    OUTBOX_BACKLOG = "outbox_backlog_messages", Gauge, [],
        "Messages that wait or are held by a consumer; more than 100000 are counted as so many";
    OUTBOX_OLDEST = "outbox_oldest_age_seconds", Gauge, [],
        "Age of the oldest that no consumer holds; 0 if there is none";
    DISPATCH_LAG = "dispatch_lag_seconds", Histogram, ["sink"],
        "From the commit of a message until it was handed over: to a sink that took it, or to the first consumer";
    SINKS = "sinks", Gauge, ["circuit"],
        "Sinks that are switched on, by their circuit: closed, or open after failures";
    DEAD_LETTERS = "dead_letters", Gauge, ["queue"],
        "Dead letters that nobody has dealt with: of the inbox and of the outbox";
    RETENTION_ROWS = "retention_rows_total", Counter, ["what"],
        "Rows that were deleted, or emptied down to their key, because of their age";
    RETENTION_PASS = "retention_pass_seconds", Histogram, [],
        "Transactions that deleted what was old";
    DATABASE_UP = "database_up", Gauge, [],
        "Whether the database answered when this was asked for: 1 or 0; at 0, what it is asked for is old";
    DATABASE_CONNECTIONS = "database_connections", Gauge, ["pool", "state"],
        "Connections to the database: idle, used, and how many there may be";
    BUILD = "build_info", Gauge, ["version"],
        "Always 1";
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_name_is_unique_and_ends_as_its_kind_demands() {
        let names: BTreeSet<&str> = FIGURES.iter().map(|figure| figure.name).collect();
        assert_eq!(names.len(), FIGURES.len());
        for figure in FIGURES {
            let name = figure.name;
            assert_eq!(
                name.ends_with("_total"),
                figure.kind == Kind::Counter,
                "{name}"
            );
            assert!(
                figure.kind != Kind::Histogram || name.ends_with("_seconds"),
                "{name}"
            );
            assert!(!figure.help.contains('|'), "{name} stands in a table");
        }
    }

    #[test]
    fn no_figure_is_told_apart_by_tenant() {
        // Each of these has few values, whatever tenants do.
        let bounded = [
            "call", "circuit", "kind", "pool", "provider", "queue", "reason", "result", "route",
            "sink", "state", "status", "version", "what",
        ];
        for label in FIGURES.iter().flat_map(|figure| figure.labels) {
            assert!(bounded.contains(label), "{label}");
        }
    }
}
