//! Fires due ticks. Replicas may do so at the same time: each skips the triggers that another
//! one has locked.
//!
//! A transaction is limited by its events, so a trigger with many missed ticks fires in
//! several. Triggers that are on time never wait for more than one of these.

use crate::clock;
use crate::config::SchedulerConfig;
use crate::domain::schedule::FiringLimits;
use crate::domain::{Timestamp, TriggerId};
use crate::store::{Fired, Store, StoreError};
use crate::worker::halves::Halves;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

/// The pause while another replica fires the due triggers.
const PAUSE_MIN: Duration = Duration::from_millis(10);
/// The pause of a trigger that the database refuses to fire …
const REFUSED_PAUSE: Duration = Duration::from_secs(60 * 60);
/// … and of one that failed alone for another reason, which may pass.
const FAILED_PAUSE: Duration = Duration::from_secs(10);

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
        if let Err(error) = self.fire_all(now, stop).await {
            tracing::error!(%error, "could not fire triggers; will retry");
            return self.look_every;
        }
        let due = self.store.next_tick().await.ok().flatten();
        self.until(due, clock::now()).max(PAUSE_MIN)
    }

    /// Fires every trigger that is due at `now`, except for those that another replica has.
    async fn fire_all(&self, now: Timestamp, stop: &CancellationToken) -> Result<(), StoreError> {
        let mut has_failed = false;
        while !stop.is_cancelled() {
            match self.fire_batch(now).await {
                Ok(0) => break,
                Ok(_) => has_failed = false,
                // It may have been the connection.
                Err(error) if error.is_transient() && !error.is_unanswered() && !has_failed => {
                    tracing::warn!(%error, "could not fire triggers; trying again");
                    has_failed = true;
                }
                Err(error) => self.fire_halves(now, &error, stop).await?,
            }
        }
        Ok(())
    }

    /// One transaction for triggers that are on time, and one for those with ticks to catch
    /// up on; the number of triggers.
    async fn fire_batch(&self, now: Timestamp) -> Result<usize, StoreError> {
        let on_time = self.fire_on_time().await?;
        let firing = self.store.fire_due(now, self.limits, self.triggers_max());
        let fired = firing.instrument(tracing::debug_span!("fire")).await?;
        report(&fired);
        Ok(on_time + fired.triggers)
    }

    async fn fire_on_time(&self) -> Result<usize, StoreError> {
        let mut triggers = 0;
        loop {
            let now = clock::now();
            let firing = self
                .store
                .fire_on_time(now, self.limits, self.triggers_max());
            let fired = firing.instrument(tracing::debug_span!("fire")).await?;
            report(&fired);
            triggers += fired.triggers;
            if !fired.is_cut {
                return Ok(triggers);
            }
        }
    }

    /// A trigger that is due has an event as a rule.
    fn triggers_max(&self) -> u32 {
        u32::try_from(self.limits.events_max).unwrap_or(u32::MAX)
    }

    /// Fires due triggers after a transaction failed with `error`: in halves, until the
    /// triggers at fault are alone. Those are put off.
    ///
    /// # Errors
    /// If the database is away.
    async fn fire_halves(
        &self,
        now: Timestamp,
        error: &StoreError,
        stop: &CancellationToken,
    ) -> Result<(), StoreError> {
        let due = self.store.due_triggers(now, self.triggers_max()).await?;
        tracing::warn!(%error, triggers = due.len(), "could not fire triggers together; firing halves");
        let mut halves = Halves::of(due);
        if let Some(all) = halves.next() {
            self.halved(&mut halves, all, now, error).await?;
        }
        while let Some(batch) = halves.next().filter(|_| !stop.is_cancelled()) {
            match self.store.fire_these(&batch, now, self.limits).await {
                Ok(fired) => {
                    report(&fired);
                    if fired.is_cut {
                        halves.again(batch);
                    }
                }
                Err(error) => {
                    if error.is_transient() {
                        self.store.ping().await?;
                    }
                    self.halved(&mut halves, batch, now, &error).await?;
                    // Not worth a word: one of them may be at fault.
                    let _ = self.fire_on_time().await;
                }
            }
        }
        Ok(())
    }

    /// Halves a batch that failed; puts off a trigger that failed alone.
    async fn halved(
        &self,
        halves: &mut Halves<TriggerId>,
        batch: Vec<TriggerId>,
        now: Timestamp,
        error: &StoreError,
    ) -> Result<(), StoreError> {
        let Some(trigger) = halves.halve(batch) else {
            return Ok(());
        };
        let pause = match error.is_transient() {
            true => FAILED_PAUSE,
            false => REFUSED_PAUSE,
        };
        let until = clock::now() + pause;
        if self.store.put_off_tick(trigger, now, until).await? {
            tracing::error!(trigger.id = %trigger, %error, until = %until, "a trigger cannot be fired; it is postponed");
        }
        Ok(())
    }

    fn until(&self, due: Option<Timestamp>, now: Timestamp) -> Duration {
        let wait = due.map(|due| u64::try_from(due.micros_since(now)).unwrap_or(0));
        wait.map_or(self.look_every, Duration::from_micros)
            .min(self.look_every)
    }
}

fn report(fired: &Fired) {
    if fired.triggers == 0 {
        return;
    }
    let lag_ms = u64::try_from(fired.lag.as_millis()).unwrap_or(u64::MAX);
    tracing::debug!(
        triggers = fired.triggers,
        runs = fired.runs,
        lag_ms,
        "fired triggers"
    );
}
