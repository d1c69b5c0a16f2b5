//! The catalogue of figures: name, kind, labels and help.

/// The kind of a figure.
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
    /// The type in Prometheus.
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
    /// Ends with the unit; a counter's name ends with `_total`.
    pub name: &'static str,
    /// Counter, gauge or histogram.
    pub kind: Kind,
    /// The labels. Never a tenant: there may be any number of them.
    pub labels: &'static [&'static str],
    /// The meaning, in one line.
    pub help: &'static str,
}

macro_rules! figures {
    ($($constant:ident = $name:literal, $kind:ident, [$($label:literal),*], $help:literal;)+) => {
        $(pub(super) const $constant: &str = concat!("triggerhouse_", $name);)+

        /// All figures.
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
        "Time from the arrival of a webhook's headers to its commit; the count is the number of acknowledged webhooks";
    INGRESS_REJECTS = "ingress_rejects_total", Counter, ["reason"],
        "Refused webhooks";
    INGRESS_DUPLICATES = "ingress_duplicates_total", Counter, [],
        "Acknowledged webhooks that an earlier request had committed";
    INBOX_BACKLOG = "inbox_backlog_deliveries", Gauge, [],
        "Deliveries that wait or are being processed, up to 100000";
    INBOX_OLDEST = "inbox_oldest_age_seconds", Gauge, [],
        "Age of the oldest delivery in the backlog; 0 if there is none";
    INBOX_HELD = "inbox_held_deliveries", Gauge, [],
        "Deliveries held for a trigger or an integration on hold, up to 100000";
    INBOX_CLAIMED = "inbox_claimed_total", Counter, [],
        "Deliveries that this process claimed";
    INBOX_RECLAIMED = "inbox_reclaimed_total", Counter, [],
        "Deliveries taken over from a worker that died";
    INBOX_SETTLED = "inbox_settled_total", Counter, ["result"],
        "Settled deliveries: completed, retried, waiting, held or failed (a dead letter)";
    PROVIDER_CALL = "provider_call_seconds", Histogram, ["provider", "call"],
        "Time of calls to providers: parse, filter and poll; a poll includes the wait for its service";
    PROVIDER_FAILURES = "provider_failures_total", Counter, ["provider", "kind"],
        "Calls to providers that trapped, exceeded a limit or broke the contract";
    EVENTS = "events_total", Counter, ["status", "reason"],
        "Events written, by their first status and the reason of a skip";
    EVENTS_DUPLICATES = "events_duplicates_total", Counter, [],
        "Events that their trigger had seen before";
    POLLS = "polls_total", Counter, ["provider", "result"],
        "Finished polls: settled, failed, rate_limited, unauthorized, given_back or lost";
    POLL_OVERDUE = "poll_overdue_seconds", Gauge, [],
        "Time since the most overdue poll was due; 0 if none is";
    CURSOR_AGE = "poll_cursor_age_seconds", Gauge, ["provider"],
        "Age of the oldest cursor among active poll groups";
    NEEDS_REAUTH = "integrations_needs_reauth", Gauge, [],
        "Integrations whose credential the service refuses; not polled until a person sets a new one";
    TICK_LAG = "scheduler_lag_seconds", Histogram, [],
        "Delay of fired ticks";
    TICK_OVERDUE = "scheduler_overdue_seconds", Gauge, [],
        "Time since the most overdue tick was due; 0 if none is";
    OUTBOX_BACKLOG = "outbox_backlog_messages", Gauge, [],
        "Messages that wait or are held by a consumer, up to 100000";
    OUTBOX_OLDEST = "outbox_oldest_age_seconds", Gauge, [],
        "Age of the oldest message that no consumer holds; 0 if there is none";
    OUTBOX_CLAIMS = "outbox_claims_total", Counter, ["result"],
        "Claims of consumers, by what they found: found or empty; one long poll may claim several times";
    DISPATCH_LAG = "dispatch_lag_seconds", Histogram, ["sink"],
        "Time from a message's commit to its first handover: to a sink that accepted it, or to a consumer";
    SINKS = "sinks", Gauge, ["circuit"],
        "Enabled sinks, by their circuit: closed, or open after failures";
    DEAD_LETTERS = "dead_letters", Gauge, ["queue"],
        "Dead letters that were neither retried nor discarded, in the inbox and the outbox";
    RETENTION_ROWS = "retention_rows_total", Counter, ["what"],
        "Rows that retention deleted, or emptied down to their key";
    RETENTION_PASS = "retention_pass_seconds", Histogram, [],
        "Time of retention transactions";
    TASK_RESTARTS = "task_restarts_total", Counter, ["task"],
        "Background tasks that ended before their time and started again";
    DATABASE_UP = "database_up", Gauge, [],
        "1 if the database answers and takes writes, else 0; at 0, the figures from the database are old";
    DATABASE_CONNECTIONS = "database_connections", Gauge, ["pool", "state"],
        "Connections to the database: idle, used and max";
    CLOCK_OFFSET = "clock_offset_seconds", Gauge, [],
        "Time by which this process's clock is ahead of the database's, negative if it is behind";
    BUILD = "build_info", Gauge, ["version"],
        "Always 1";
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_name_is_unique_and_ends_as_its_kind_requires() {
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
            assert!(!figure.help.contains('|'), "{name} is in a Markdown table");
        }
    }

    #[test]
    fn no_figure_has_a_label_for_the_tenant() {
        // Each of these has few values, however many tenants there are.
        let bounded = [
            "call", "circuit", "kind", "pool", "provider", "queue", "reason", "result", "route",
            "sink", "state", "status", "task", "version", "what",
        ];
        for label in FIGURES.iter().flat_map(|figure| figure.labels) {
            assert!(bounded.contains(label), "{label}");
        }
    }
}
