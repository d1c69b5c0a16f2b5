//! Metrics for `/metrics`.
//!
//! Owns: the names of all figures (`catalogue.rs`), their recorder, and one function for
//! each kind of event. A caller counts an event once it is certain: a write to the database
//! after its commit.
//! Never does: I/O, or labels by tenant.

mod catalogue;
mod recorder;

pub use catalogue::{FIGURES, Figure, Kind};
pub use recorder::{Figures, PROMETHEUS_TEXT};

use catalogue::*;
use metrics::{counter, gauge, histogram};
use std::time::Duration;

/// A webhook was committed. `after` is the time since its arrival.
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

/// Deliveries were claimed.
pub fn claimed(deliveries: usize) {
    counter!(INBOX_CLAIMED).increment(deliveries as u64);
}

/// Deliveries were taken over from a worker that died.
pub fn reclaimed(deliveries: usize) {
    counter!(INBOX_RECLAIMED).increment(deliveries as u64);
}

/// Deliveries were settled: `completed`, `retried`, `waiting`, `held` or `failed`.
pub fn settled(result: &'static str, deliveries: usize) {
    counter!(INBOX_SETTLED, "result" => result).increment(deliveries as u64);
}

/// A provider was called: `parse`, `filter` or `poll`. `failure` is the kind of its guest's
/// failure.
pub fn called(provider: &str, call: &'static str, took: Duration, failure: Option<&'static str>) {
    histogram!(PROVIDER_CALL, "provider" => provider.to_owned(), "call" => call).record(took);
    if let Some(kind) = failure {
        counter!(PROVIDER_FAILURES, "provider" => provider.to_owned(), "kind" => kind).increment(1);
    }
}

/// Events were written with this status. `reason` is the reason of a skip, or empty.
pub fn events(status: &'static str, reason: &'static str, count: usize) {
    counter!(EVENTS, "status" => status, "reason" => reason).increment(count as u64);
}

/// Events were not written, because their trigger had seen them before.
pub fn duplicates(count: usize) {
    counter!(EVENTS_DUPLICATES).increment(count as u64);
}

/// A poll ended.
pub fn polled(provider: &str, result: &'static str) {
    counter!(POLLS, "provider" => provider.to_owned(), "result" => result).increment(1);
}

/// Ticks were fired. `lag` is the delay of the latest of them.
pub fn fired(lag: Duration) {
    histogram!(TICK_LAG).record(lag);
}

/// A message was handed over for the first time. `lag` is the time since its commit, and
/// `sink` is the kind: `pull`, `http` or `redis`.
pub fn dispatched(sink: &'static str, lag: Duration) {
    histogram!(DISPATCH_LAG, "sink" => sink).record(lag);
}

/// A consumer looked for messages to claim.
pub fn looked(found: bool) {
    let result = if found { "found" } else { "empty" };
    counter!(OUTBOX_CLAIMS, "result" => result).increment(1);
}

/// A retention pass deleted rows.
pub fn collected(what: &'static str, rows: u64, took: Duration) {
    counter!(RETENTION_ROWS, "what" => what).increment(rows);
    histogram!(RETENTION_PASS).record(took);
}

/// The state of a queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Waiting {
    /// Entries that wait or are being processed.
    pub count: u64,
    /// The age of the oldest entry.
    pub oldest: Duration,
    /// Dead letters, which are not part of `count`.
    pub dead: u64,
}

/// The current state of the inbox.
pub fn inbox(waiting: Waiting) {
    gauge!(INBOX_BACKLOG).set(waiting.count as f64);
    gauge!(INBOX_OLDEST).set(waiting.oldest);
    gauge!(DEAD_LETTERS, "queue" => "inbox").set(waiting.dead as f64);
}

/// The number of deliveries that are held for a person.
pub fn held(count: u64) {
    gauge!(INBOX_HELD).set(count as f64);
}

/// The current state of the outbox.
pub fn outbox(waiting: Waiting) {
    gauge!(OUTBOX_BACKLOG).set(waiting.count as f64);
    gauge!(OUTBOX_OLDEST).set(waiting.oldest);
    gauge!(DEAD_LETTERS, "queue" => "outbox").set(waiting.dead as f64);
}

/// The number of integrations that a person has to reconnect.
pub fn needs_reauth(count: u64) {
    gauge!(NEEDS_REAUTH).set(count as f64);
}

/// The number of enabled sinks, and how many of them have an open circuit.
pub fn sinks(all: u64, open: u64) {
    gauge!(SINKS, "circuit" => "closed").set(all.saturating_sub(open) as f64);
    gauge!(SINKS, "circuit" => "open").set(open as f64);
}

/// The time since the most overdue poll and the most overdue tick were due.
pub fn overdue(poll: Duration, tick: Duration) {
    gauge!(POLL_OVERDUE).set(poll);
    gauge!(TICK_OVERDUE).set(tick);
}

/// The age of a provider's oldest cursor.
pub fn cursor_age(provider: &str, age: Duration) {
    gauge!(CURSOR_AGE, "provider" => provider.to_owned()).set(age);
}

/// A background task that had ended before its time starts again.
pub fn restarted(task: &'static str) {
    counter!(TASK_RESTARTS, "task" => task).increment(1);
}

/// The state of the database: `up` if it answers.
pub fn database(up: bool) {
    gauge!(DATABASE_UP).set(if up { 1.0 } else { 0.0 });
}

/// The time by which this process's clock is ahead of the database's, in seconds.
pub fn clock_offset(seconds: f64) {
    gauge!(CLOCK_OFFSET).set(seconds);
}

/// The state of a connection pool.
pub fn connections(pool: &'static str, idle: usize, used: usize, max: usize) {
    for (state, count) in [("idle", idle), ("used", used), ("max", max)] {
        gauge!(DATABASE_CONNECTIONS, "pool" => pool, "state" => state).set(count as f64);
    }
}
