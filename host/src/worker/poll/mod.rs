//! The poll worker: claims due poll groups, asks their providers page by page, and settles
//! each page with its cursor.
//!
//! Owns: the groups that this process polls, and how long it holds them.
//! Never does: SQL, HTTP, or anything about a particular service. Only [`caches`] outlive
//! a poll, and losing them costs some courtesy to the service: everything that counts is in
//! the database.

mod caches;
mod context;
mod group;
mod lease_keeper;
mod pages;
mod retries;

pub use context::PollContext;

use crate::clock;
use crate::domain::PollGroupId;
use crate::lock::{Acquired, LockGuard};
use crate::store::{ClaimedPoll, StoreError};
use caches::Caches;
use group::Poll;
use std::sync::atomic::AtomicI32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

/// Due groups that are read beyond those for which there is room: other replicas may hold
/// some of them.
const LOOK_BEYOND: u32 = 64;
/// The pause while other replicas hold all due groups.
const PAUSE_MIN: Duration = Duration::from_millis(100);
/// The time without locks after Redis was unavailable.
const WITHOUT_LOCKS: Duration = Duration::from_secs(10);

/// Polls due groups.
pub struct PollWorker {
    context: Arc<PollContext>,
    caches: Arc<Caches>,
    /// One permit for each poll that may run.
    room: Arc<Semaphore>,
    /// Redis was unavailable and is left alone until then.
    without_locks_until: Mutex<Option<Instant>>,
}

/// A claimed group, with its lock if Redis is available.
struct Taken {
    claim: ClaimedPoll,
    lock: Option<LockGuard>,
}

impl PollWorker {
    /// Works until `stop`, then gives back the claimed groups.
    pub async fn run(context: PollContext, stop: CancellationToken) {
        let polls_max = context.polls_max;
        let worker = Self {
            room: Arc::new(Semaphore::new(polls_max as usize)),
            context: Arc::new(context),
            caches: Arc::default(),
            without_locks_until: Mutex::default(),
        };
        let mut due = worker.context.store.signals().polls();
        while !stop.is_cancelled() {
            let pause = worker.start_due(&stop).await;
            tokio::select! {
                () = stop.cancelled() => {}
                _ = due.raised() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
        // All permits are back once every poll has ended.
        let _ = worker.room.acquire_many(polls_max).await;
    }

    /// Starts polls of due groups while there is room; returns the time until the next
    /// group is due.
    async fn start_due(&self, stop: &CancellationToken) -> Duration {
        let look_every = self.context.config.poll_ms.duration();
        loop {
            let permit = tokio::select! {
                () = stop.cancelled() => return Duration::ZERO,
                permit = Arc::clone(&self.room).acquire_owned() => permit,
            };
            let Ok(permit) = permit else {
                return look_every;
            };
            match self.take_due(permit, stop).await {
                // There may be more due groups than there was room for.
                Ok(0) => break,
                Ok(_) => {}
                Err(error) => {
                    tracing::error!(%error, "could not look for due polls; will retry");
                    return look_every;
                }
            }
        }
        let now = clock::now();
        match self.context.store.next_poll_due().await {
            Ok(Some(due)) => {
                let wait = u64::try_from(due.micros_since(now)).unwrap_or(0);
                Duration::from_micros(wait).min(look_every).max(PAUSE_MIN)
            }
            Ok(None) | Err(_) => look_every,
        }
    }

    /// Starts polls of due groups; returns their number.
    async fn take_due(
        &self,
        permit: OwnedSemaphorePermit,
        stop: &CancellationToken,
    ) -> Result<usize, StoreError> {
        let room = u32::try_from(self.room.available_permits()).unwrap_or(u32::MAX);
        let max = room.saturating_add(1).saturating_add(LOOK_BEYOND);
        let due = self.context.store.due_polls(clock::now(), max).await?;
        let (mut permit, mut started) = (Some(permit), 0);
        for group in due {
            let Some(held) = permit.take().or_else(|| self.try_room()) else {
                break;
            };
            match self.take(group).await? {
                Some(taken) => {
                    self.start(taken, held, stop);
                    started += 1;
                }
                None => permit = Some(held),
            }
        }
        Ok(started)
    }

    fn try_room(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.room).try_acquire_owned().ok()
    }

    /// Locks and claims a group; none if another replica holds it.
    async fn take(&self, group: PollGroupId) -> Result<Option<Taken>, StoreError> {
        let (context, lease) = (&self.context, self.context.lease());
        let lock = match self.lock(group).await {
            Some(Acquired::Held(lock)) => Some(lock),
            Some(Acquired::Busy) => return Ok(None),
            Some(Acquired::Unavailable(_)) | None => None,
        };
        let claimed = context.store.claim_poll(group, clock::now(), lease).await;
        match (claimed, lock) {
            (Ok(Some(claim)), lock) => Ok(Some(Taken { claim, lock })),
            (not_claimed, lock) => {
                if let Some(lock) = lock {
                    lock.release().await;
                }
                not_claimed.map(|_| None)
            }
        }
    }

    /// The group's lock; none for a while after Redis was unavailable. Each call would cost
    /// the group a timeout.
    async fn lock(&self, group: PollGroupId) -> Option<Acquired> {
        let now = Instant::now();
        if self.without_locks_until().is_some_and(|until| until > now) {
            return None;
        }
        let acquired = self
            .context
            .locks
            .acquire(group, self.context.lease())
            .await;
        if let Acquired::Unavailable(reason) = &acquired {
            tracing::warn!(
                reason,
                "Redis is unavailable; polling without locks for a while"
            );
            *self.without_locks_until() = Some(Instant::now() + WITHOUT_LOCKS);
        }
        Some(acquired)
    }

    fn without_locks_until(&self) -> MutexGuard<'_, Option<Instant>> {
        let until = self.without_locks_until.lock();
        until.unwrap_or_else(PoisonError::into_inner)
    }

    fn start(&self, taken: Taken, permit: OwnedSemaphorePermit, stop: &CancellationToken) {
        let Taken { claim, lock } = taken;
        let poll = Poll {
            context: Arc::clone(&self.context),
            caches: Arc::clone(&self.caches),
            halt: stop.child_token(),
            claim,
            failures: AtomicI32::new(0),
        };
        tokio::spawn(async move {
            poll.run(lock).await;
            drop(permit);
        });
    }
}
