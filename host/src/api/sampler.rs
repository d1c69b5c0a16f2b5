//! Samples the database for `/metrics`: the backlog and the use of connections.

use super::pulse::Pulse;
use crate::clock;
use crate::domain::Timestamp;
use crate::measure::{self, Waiting};
use crate::store::{Backlog, Queue, Share, Store};
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

/// The shortest time between two samples, however often `/metrics` is read.
const SAMPLE_EVERY: Duration = Duration::from_secs(2);
/// The longest time that a sample takes. The process's own figures do not depend on it.
const SAMPLE_MAX: Duration = Duration::from_secs(5);

/// Samples the database at most every [`SAMPLE_EVERY`]; concurrent readers share a sample.
#[derive(Debug)]
pub(super) struct Sampler {
    store: Store,
    sampled_at: Mutex<Option<Instant>>,
}

impl Sampler {
    /// Samples through the connections of the workers.
    pub(super) fn of(store: &Store) -> Self {
        Self {
            store: store.of(Share::Workers),
            sampled_at: Mutex::default(),
        }
    }

    /// Updates the metrics of the database. The backlog is read unless the last sample is
    /// recent.
    pub(super) async fn sample(&self, pulse: &Pulse) {
        let is_up = pulse.is_up().await;
        measure::database(is_up);
        let mut sampled_at = self.sampled_at.lock().await;
        if !is_up || sampled_at.is_some_and(|at| at.elapsed() < SAMPLE_EVERY) {
            return;
        }
        for pool in self.store.pool_use() {
            measure::connections(pool.pool, pool.idle, pool.used, pool.max);
        }
        let backlog = timeout(SAMPLE_MAX, self.store.backlog(clock::now())).await;
        match backlog {
            Ok(Ok(backlog)) => show(&backlog, clock::now()),
            Ok(Err(error)) => tracing::warn!(%error, "could not read the backlog"),
            Err(_) => tracing::warn!("could not read the backlog: the database is slow"),
        }
        *sampled_at = Some(Instant::now());
    }
}

fn show(backlog: &Backlog, now: Timestamp) {
    measure::inbox(waiting(backlog.inbox, now));
    measure::held(backlog.held);
    measure::outbox(waiting(backlog.outbox, now));
    measure::needs_reauth(backlog.needs_reauth);
    measure::sinks(backlog.sinks, backlog.sinks_open);
    measure::overdue(since(backlog.poll_due, now), since(backlog.tick_due, now));
    for (provider, at) in &backlog.cursors {
        measure::cursor_age(provider, since(Some(*at), now));
    }
}

fn waiting(queue: Queue, now: Timestamp) -> Waiting {
    Waiting {
        count: queue.waiting,
        oldest: since(queue.oldest, now),
        dead: queue.dead,
    }
}

/// The time since `at`; zero if `at` lies in the future.
fn since(at: Option<Timestamp>, now: Timestamp) -> Duration {
    let micros = at.map_or(0, |at| now.micros_since(at));
    Duration::from_micros(u64::try_from(micros).unwrap_or(0))
}
