//! What is measured, for `/metrics`.
//!
//! Owns: the names of all figures (`catalogue.rs`), what keeps them, and one function for
//! each thing that happens. Whoever makes it happen calls that function once it is
//! certain, which for the database is after the commit.
//! Never does: I/O, or tell values apart by tenant.

mod catalogue;
mod recorder;

pub use catalogue::{FIGURES, Figure, Kind};
pub use recorder::{Figures, PROMETHEUS_TEXT};

use catalogue::*;
use metrics::{counter, gauge, histogram};
use std::time::Duration;

/// A webhook was committed, this long after it arrived.
pub fn acknowledged(route: &'static str, after: Duration, duplicate: bool) {
    histogram!(INGRESS_ACK, "route" => route).record(after);
    if duplicate {
        counter!(INGRESS_DUPLICATES).increment(1);
    }
}

/// A webhook was refused.
pub fn rejected(reason: &'static str) {
    counter!(INGRESS_REJECTS, "reason" => reason).increment(1);
}

/// Deliveries were claimed, of which `reclaimed` had been left by another worker.
pub fn claimed(deliveries: usize, reclaimed: usize) {
    counter!(INBOX_CLAIMED).increment(deliveries as u64);
    counter!(INBOX_RECLAIMED).increment(reclaimed as u64);
}

/// Deliveries were settled: `completed`, `retried` or `failed`.
pub fn settled(result: &'static str, deliveries: usize) {
    counter!(INBOX_SETTLED, "result" => result).increment(deliveries as u64);
}

/// A provider was called: `parse`, `filter` or `poll`. `failure` is what went wrong with
/// its guest, if anything.
pub fn called(provider: &str, call: &'static str, took: Duration, failure: Option<&'static str>) {
    histogram!(PROVIDER_CALL, "provider" => provider.to_owned(), "call" => call).record(took);
    if let Some(kind) = failure {
        counter!(PROVIDER_FAILURES, "provider" => provider.to_owned(), "kind" => kind).increment(1);
    }
}

/// Events were written in this status; `reason` is why they were skipped, or empty.
pub fn events(status: &'static str, reason: &'static str, count: usize) {
    counter!(EVENTS, "status" => status, "reason" => reason).increment(count as u64);
}

/// Events were not written because their trigger had seen them.
pub fn duplicates(count: usize) {
    counter!(EVENTS_DUPLICATES).increment(count as u64);
}

/// A poll ended.
pub fn polled(provider: &str, result: &'static str) {
    counter!(POLLS, "provider" => provider.to_owned(), "result" => result).increment(1);
}

/// Ticks were fired, the latest of them this long after its time.
pub fn fired(lag: Duration) {
    histogram!(TICK_LAG).record(lag);
}

/// A message was handed over for the first time, this long after it was committed.
/// `sink` is its kind: `pull`, `http`, `redis`.
pub fn dispatched(sink: &'static str, lag: Duration) {
    histogram!(DISPATCH_LAG, "sink" => sink).record(lag);
}

/// A pass of the collector deleted rows.
pub fn collected(what: &'static str, rows: u64, took: Duration) {
    counter!(RETENTION_ROWS, "what" => what).increment(rows);
    histogram!(RETENTION_PASS).record(took);
}

/// How many wait in a queue, and for how long.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Waiting {
    /// How many.
    pub count: u64,
    /// Age of the oldest.
    pub oldest: Duration,
    /// Dead letters beside them.
    pub dead: u64,
}

/// What the inbox looks like now.
pub fn inbox(waiting: Waiting) {
    gauge!(INBOX_BACKLOG).set(waiting.count as f64);
    gauge!(INBOX_OLDEST).set(waiting.oldest);
    gauge!(DEAD_LETTERS, "queue" => "inbox").set(waiting.dead as f64);
}

/// What the outbox looks like now.
pub fn outbox(waiting: Waiting) {
    gauge!(OUTBOX_BACKLOG).set(waiting.count as f64);
    gauge!(OUTBOX_OLDEST).set(waiting.oldest);
    gauge!(DEAD_LETTERS, "queue" => "outbox").set(waiting.dead as f64);
}

/// Integrations that somebody has to connect anew.
pub fn needs_reauth(count: u64) {
    gauge!(NEEDS_REAUTH).set(count as f64);
}

/// Sinks that are switched on, and how many of them nothing is sent to for a while.
pub fn sinks(all: u64, open: u64) {
    gauge!(SINKS, "circuit" => "closed").set(all.saturating_sub(open) as f64);
    gauge!(SINKS, "circuit" => "open").set(open as f64);
}

/// For how long polls and ticks have been due.
pub fn overdue(poll: Duration, tick: Duration) {
    gauge!(POLL_OVERDUE).set(poll);
    gauge!(TICK_OVERDUE).set(tick);
}

/// The oldest cursor of a provider.
pub fn cursor_age(provider: &str, age: Duration) {
    gauge!(CURSOR_AGE, "provider" => provider.to_owned()).set(age);
}

/// Whether the database answers.
pub fn database(up: bool) {
    gauge!(DATABASE_UP).set(if up { 1.0 } else { 0.0 });
}

/// How a pool of connections is used.
pub fn connections(pool: &'static str, idle: usize, used: usize, max: usize) {
    for (state, count) in [("idle", idle), ("used", used), ("max", max)] {
        gauge!(DATABASE_CONNECTIONS, "pool" => pool, "state" => state).set(count as f64);
    }
}
