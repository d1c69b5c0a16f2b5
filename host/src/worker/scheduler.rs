//! Fires what the clock says. Any number of replicas may: what one has in hand, the
//! others skip.

use crate::clock;
use crate::config::SchedulerConfig;
use crate::domain::Timestamp;
use crate::domain::schedule::FiringLimits;
use crate::signals::Signals;
use crate::store::{Signal, Store};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Triggers that are fired in one transaction at most.
const BATCH_MAX: u32 = 100;

/// Fires triggers whose tick is due.
pub struct Scheduler {
    store: Store,
    signals: Signals,
    limits: FiringLimits,
    look_every: Duration,
}

impl Scheduler {
    /// With these settings.
    pub fn new(store: Store, signals: Signals, config: &SchedulerConfig) -> Self {
        Self {
            store,
            signals,
            limits: FiringLimits {
                late: Duration::from_secs(config.late_seconds),
                missed_ticks_max: config.missed_ticks_max,
            },
            look_every: Duration::from_millis(config.poll_ms),
        }
    }

    /// Works until `stop`.
    pub async fn run(self, stop: CancellationToken) {
        let mut changed = self.signals.waiter(Signal::Routes);
        while !stop.is_cancelled() {
            let pause = self.fire().await;
            tokio::select! {
                () = stop.cancelled() => {}
                // A trigger may be due sooner now.
                () = changed.raised() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Fires what is due; returns how long nothing will be.
    async fn fire(&self) -> Duration {
        loop {
            match self
                .store
                .fire_due(clock::now(), self.limits, BATCH_MAX)
                .await
            {
                Ok(fired) => {
                    if fired.runs > 0 {
                        self.signals.raise(Signal::Outbox);
                    }
                    if fired.triggers > 0 {
                        let lag_ms = u64::try_from(fired.lag.as_millis()).unwrap_or(u64::MAX);
                        tracing::debug!(
                            triggers = fired.triggers,
                            runs = fired.runs,
                            lag_ms,
                            "fired triggers by the clock"
                        );
                    }
                    if fired.triggers < BATCH_MAX as usize {
                        return self.until_next().await;
                    }
                }
                Err(error) => {
                    tracing::error!(%error, "could not fire triggers by the clock; trying again");
                    return self.look_every;
                }
            }
        }
    }

    async fn until_next(&self) -> Duration {
        let due: Option<Timestamp> = self.store.next_tick().await.ok().flatten();
        let wait = due.map(|due| due.micros_since(clock::now()).max(0));
        let wait = wait.and_then(|micros| u64::try_from(micros).ok());
        wait.map_or(self.look_every, Duration::from_micros)
            .min(self.look_every)
    }
}
