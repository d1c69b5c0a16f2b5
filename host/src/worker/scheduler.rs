//! Fires due ticks. Replicas may do so at the same time: each skips the triggers that another
//! one has locked.

use crate::clock;
use crate::config::SchedulerConfig;
use crate::domain::Timestamp;
use crate::domain::schedule::FiringLimits;
use crate::store::{Fired, Store, StoreError};
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

/// Triggers of one transaction.
const BATCH_MAX: u32 = 100;

/// The pause while another replica fires the due triggers.
const PAUSE_MIN: Duration = Duration::from_millis(10);

/// Fires triggers whose tick is due.
pub struct Scheduler {
    store: Store,
    limits: FiringLimits,
    look_every: Duration,
}

impl Scheduler {
    /// A scheduler for `store`.
    pub fn new(store: Store, config: &SchedulerConfig) -> Self {
        Self {
            store,
            limits: config.limits(),
            look_every: config.poll_ms.duration(),
        }
    }

    /// Works until `stop`.
    pub async fn run(self, stop: CancellationToken) {
        let mut changed = self.store.signals().routes();
        while !stop.is_cancelled() {
            let pause = self.fire(&stop).await;
            tokio::select! {
                () = stop.cancelled() => {}
                // A changed trigger may be due sooner.
                _ = changed.raised() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Fires due triggers; returns the time until the next one is due.
    async fn fire(&self, stop: &CancellationToken) -> Duration {
        // All ticks that are due now count as seen now, however long firing them takes. So
        // none of them becomes late here.
        let now = clock::now();
        match self.store.next_tick().await {
            Ok(Some(due)) if due <= now => {}
            Ok(due) => return self.until(due, now),
            Err(error) => {
                tracing::error!(%error, "could not read the next tick; will retry");
                return self.look_every;
            }
        }
        while !stop.is_cancelled() {
            let firing = self.store.fire_due(now, self.limits, BATCH_MAX);
            let fired = match firing.instrument(tracing::debug_span!("fire")).await {
                // The database rejects one of them: fire each on its own.
                Err(error) if !error.is_transient() => self.fire_one(now).await,
                fired => fired,
            };
            match fired {
                // Another replica fires the rest.
                Ok(fired) if fired.triggers == 0 => break,
                Ok(fired) => report(&fired),
                Err(error) => {
                    tracing::error!(%error, "could not fire triggers; will retry");
                    return self.look_every;
                }
            }
        }
        let due = self.store.next_tick().await.ok().flatten();
        self.until(due, clock::now()).max(PAUSE_MIN)
    }

    /// Fires the trigger that is due first, or postpones it.
    async fn fire_one(&self, now: Timestamp) -> Result<Fired, StoreError> {
        match self.store.fire_due(now, self.limits, 1).await {
            Err(error) if !error.is_transient() => {
                let put_off = self.store.put_off_tick(now).await?;
                let trigger = put_off.map(tracing::field::display);
                tracing::error!(trigger.id = trigger, %error, "a trigger cannot be fired; it is postponed");
                Ok(Fired {
                    triggers: 1,
                    ..Fired::default()
                })
            }
            fired => fired,
        }
    }

    fn until(&self, due: Option<Timestamp>, now: Timestamp) -> Duration {
        let wait = due.map(|due| u64::try_from(due.micros_since(now)).unwrap_or(0));
        wait.map_or(self.look_every, Duration::from_micros)
            .min(self.look_every)
    }
}

fn report(fired: &Fired) {
    let lag_ms = u64::try_from(fired.lag.as_millis()).unwrap_or(u64::MAX);
    tracing::debug!(
        triggers = fired.triggers,
        runs = fired.runs,
        lag_ms,
        "fired triggers"
    );
}
