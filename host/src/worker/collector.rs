//! Enforces retention: deletes old rows in short transactions with pauses between them, so
//! that other writers hardly notice. One replica collects at a time.

use crate::clock;
use crate::config::RetentionConfig;
use crate::domain::Timestamp;
use crate::measure;
use crate::store::{Chore, Collected, Places, Store, StoreError};
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// The lease on collecting: if a replica dies, another one takes over after this time.
const LEASE: Duration = Duration::from_secs(60);
/// A pause is this many times as long as the transaction before it. Most of the database's
/// capacity stays free, however slow it is.
const PAUSE_FACTOR: u32 = 3;
/// The longest time for which a pass should hold its locks. SQLite has one writer, so every
/// acknowledgment waits for the pass; on Postgres none does.
const HELD_MAX_EMBEDDED: Duration = Duration::from_millis(3);
const HELD_MAX_SERVER: Duration = Duration::from_millis(50);
/// The fewest rows of a pass, however slow it is: collecting must make progress.
const PASS_ROWS_MIN: u32 = 10;

/// Deletes old rows.
pub struct Collector {
    store: Store,
    config: RetentionConfig,
}

/// The places of rows that had to be kept. They are looked at again from time to time.
#[derive(Default)]
struct Walks {
    places: Places,
    begun: Option<Instant>,
}

impl Walks {
    fn begin_again(&mut self, every: Duration) {
        if self.begun.is_none_or(|begun| begun.elapsed() >= every) {
            self.places = Places::default();
            self.begun = Some(Instant::now());
        }
    }
}

/// A turn of this replica to collect.
struct Turn<'a> {
    collector: &'a Collector,
    places: &'a mut Places,
    stop: &'a CancellationToken,
    held_until: Timestamp,
}

/// The reason for which a turn ends early.
enum Cut {
    /// The process stops.
    Stopped,
    /// The lease expired, so another replica may be collecting.
    Lost,
    /// The database is unavailable.
    Failed(StoreError),
}

impl From<StoreError> for Cut {
    fn from(error: StoreError) -> Self {
        Self::Failed(error)
    }
}

impl Collector {
    /// A collector for `store`.
    pub fn new(store: Store, config: RetentionConfig) -> Self {
        Self { store, config }
    }

    /// Works until `stop`.
    pub async fn run(self, stop: CancellationToken) {
        let every = self.config.every_seconds.duration();
        let mut walks = Walks::default();
        while !stop.is_cancelled() {
            walks.begin_again(self.config.again_seconds.duration());
            self.turn(&mut walks.places, &stop, every).await;
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(every) => {}
            }
        }
    }

    fn next_max(&self, max: u32, held: Duration) -> u32 {
        let held_max = match self.store.is_embedded() {
            true => HELD_MAX_EMBEDDED,
            false => HELD_MAX_SERVER,
        };
        adapted(max, held, held_max, self.config.pass_rows_max.u32())
    }

    /// Takes a turn, unless another replica has it.
    async fn turn(&self, places: &mut Places, stop: &CancellationToken, every: Duration) {
        let now = clock::now();
        let held_until = now + LEASE;
        match self
            .store
            .claim_chore(Chore::Retention, now, held_until)
            .await
        {
            Ok(true) => {}
            Ok(false) => return,
            Err(error) => {
                tracing::warn!(%error, "could not start to delete old rows; will retry");
                return;
            }
        }
        let mut turn = Turn {
            collector: self,
            places,
            stop,
            held_until,
        };
        let next = match turn.all().await {
            Ok(()) => clock::now() + every,
            Err(Cut::Lost) => return,
            Err(Cut::Stopped) => clock::now(),
            Err(Cut::Failed(error)) => {
                tracing::warn!(%error, "could not delete old rows; will retry");
                clock::now() + every
            }
        };
        let held = turn.held_until;
        if let Err(error) = self.store.move_chore(Chore::Retention, held, next).await {
            tracing::debug!(%error, "could not end a turn of collecting; its lease will expire");
        }
    }
}

/// The rows of the next pass, after one of `max` rows held its locks for `held`.
fn adapted(max: u32, held: Duration, held_max: Duration, rows_max: u32) -> u32 {
    let next = if held > held_max {
        max / 2
    } else if held < held_max / 2 {
        max.saturating_mul(2)
    } else {
        max
    };
    next.max(PASS_ROWS_MIN).min(rows_max)
}

impl Turn<'_> {
    async fn all(&mut self) -> Result<(), Cut> {
        let store = &self.collector.store;
        store.make_partitions(clock::now()).await?;
        let deliveries = self
            .collector
            .config
            .horizon(Collected::Deliveries, clock::now());
        if let Some(horizon) = deliveries {
            let dropped = store.drop_partitions(horizon.before).await?;
            if dropped.partitions > 0 {
                tracing::info!(
                    partitions = dropped.partitions,
                    kept_rows = dropped.kept_rows,
                    "dropped old days of the inbox"
                );
            }
        }
        for what in Collected::ALL {
            let rows = self.collect(*what).await?;
            if rows > 0 {
                tracing::info!(what = what.as_str(), rows, "deleted old rows");
            }
        }
        Ok(())
    }

    /// Collects pass by pass until nothing is left; returns the number of rows.
    async fn collect(&mut self, what: Collected) -> Result<u64, Cut> {
        let config = &self.collector.config;
        let mut max = PASS_ROWS_MIN.min(config.pass_rows_max.u32());
        let mut rows = 0;
        while let Some(horizon) = config.horizon(what, clock::now()) {
            if self.stop.is_cancelled() {
                return Err(Cut::Stopped);
            }
            self.hold().await?;
            let begun = Instant::now();
            let store = &self.collector.store;
            let collect = store.collect(what, horizon, max, self.places, clock::now());
            let passed = collect.await?;
            rows += passed.rows;
            measure::collected(what.as_str(), passed.rows, begun.elapsed());
            if passed.seen < u64::from(max) {
                break;
            }
            max = self.collector.next_max(max, passed.held);
            let pause = config
                .pause_ms
                .duration()
                .max(begun.elapsed() * PAUSE_FACTOR);
            tokio::select! {
                () = self.stop.cancelled() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
        Ok(rows)
    }

    /// Renews the lease once half of it is over.
    async fn hold(&mut self) -> Result<(), Cut> {
        let now = clock::now();
        if self.held_until.micros_since(now) > (LEASE / 2).as_micros() as i64 {
            return Ok(());
        }
        let (store, until) = (&self.collector.store, now + LEASE);
        if !store
            .move_chore(Chore::Retention, self.held_until, until)
            .await?
        {
            return Err(Cut::Lost);
        }
        self.held_until = until;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passes_grow_while_they_are_short_and_shrink_when_they_are_long() {
        let held_max = Duration::from_millis(8);
        let after = |max, ms| adapted(max, Duration::from_millis(ms), held_max, 500);
        assert_eq!(after(100, 1), 200);
        assert_eq!(after(300, 1), 500, "at most as many as configured");
        assert_eq!(after(100, 6), 100);
        assert_eq!(after(100, 9), 50);
        assert_eq!(after(12, 9), PASS_ROWS_MIN);
        assert_eq!(
            adapted(5, Duration::ZERO, held_max, 5),
            5,
            "the configured limit may be smaller"
        );
    }
}
