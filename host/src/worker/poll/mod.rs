//! Asks services what is new: takes poll groups that are due, one call of its provider
//! after the other, and settles each page with its cursor.
//!
//! Owns: which groups this process polls, and how long it holds them.
//! Never does: SQL, HTTP, or anything about a particular service. What it remembers
//! between two polls (see [`caches`]) is a matter of manners: everything that counts
//! is in the database.

mod caches;
mod group;
mod keeper;
mod outcome;
mod pages;

use crate::clock;
use crate::config::PollingConfig;
use crate::credentials::Credentials;
use crate::domain::PollGroupId;
use crate::egress::Egress;
use crate::lock::{Acquired, LockGuard, Locks};
use crate::provider::Registry;
use crate::signals::Signals;
use crate::store::{ClaimedPoll, Signal, Store, StoreError};
use caches::Caches;
use group::Poll;
use std::sync::atomic::AtomicI32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

/// Groups that are looked at beyond those for which there is room: others may have some
/// of them in hand.
const LOOK_BEYOND: u32 = 64;
/// The pause while others have in hand what is due.
const PAUSE_MIN: Duration = Duration::from_millis(100);
/// How long Redis is not asked once it was away.
const WITHOUT_LOCKS: Duration = Duration::from_secs(10);
/// How often it is tried to write down what became of a poll while the database is
/// away; after that its lease lapses.
const TRIES_MAX: u32 = 20;
const TRY_PAUSE: Duration = Duration::from_millis(250);

/// What a poll worker works with.
#[derive(Clone)]
pub struct PollContext {
    /// The store.
    pub store: Store,
    /// The providers.
    pub registry: Arc<Registry>,
    /// Who waits for whom.
    pub signals: Signals,
    /// The way out.
    pub egress: Egress,
    /// What is attached to requests.
    pub credentials: Credentials,
    /// Its settings.
    pub config: PollingConfig,
    /// Keeps replicas from asking a service at the same time.
    pub locks: Locks,
    /// Polls at the same time.
    pub polls_max: u32,
}

impl PollContext {
    fn lease(&self) -> Duration {
        Duration::from_secs(self.config.lease_seconds)
    }
}

/// Polls the groups that are due.
pub struct PollWorker {
    context: Arc<PollContext>,
    caches: Arc<Caches>,
    /// One permit for each poll that may run.
    room: Arc<Semaphore>,
    /// Until when Redis is not asked, because it was away.
    without_locks_until: Mutex<Option<Instant>>,
}

/// A group that is claimed, and locked where there is Redis.
struct Taken {
    claim: ClaimedPoll,
    lock: Option<LockGuard>,
}

impl PollWorker {
    /// Works until `stop`, then gives back what it has claimed.
    pub async fn run(context: PollContext, stop: CancellationToken) {
        let polls_max = context.polls_max;
        let worker = Self {
            room: Arc::new(Semaphore::new(polls_max as usize)),
            context: Arc::new(context),
            caches: Arc::default(),
            without_locks_until: Mutex::default(),
        };
        let mut due = worker.context.signals.waiter(Signal::Polls);
        while !stop.is_cancelled() {
            let pause = worker.start_due(&stop).await;
            tokio::select! {
                () = stop.cancelled() => {}
                () = due.raised() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
        // Every permit back means that every poll has ended.
        let _ = worker.room.acquire_many(polls_max).await;
    }

    /// Starts a poll of each group that is due, as far as there is room; returns how
    /// long nothing will be.
    async fn start_due(&self, stop: &CancellationToken) -> Duration {
        let look_every = Duration::from_millis(self.context.config.poll_ms);
        loop {
            let permit = tokio::select! {
                () = stop.cancelled() => return Duration::ZERO,
                permit = Arc::clone(&self.room).acquire_owned() => permit,
            };
            let Ok(permit) = permit else {
                return look_every;
            };
            match self.take_due(permit, stop).await {
                // There may be more than there was room for.
                Ok(0) => break,
                Ok(_) => {}
                Err(error) => {
                    tracing::error!(%error, "could not look for polls that are due; trying again");
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

    /// How many polls were started.
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

    /// Locks and claims a group; none if somebody else has it.
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

    /// The group's lock; none while Redis is away, which would cost each group the time
    /// that a call of it may take.
    async fn lock(&self, group: PollGroupId) -> Option<Acquired> {
        let now = Instant::now();
        if self.away().is_some_and(|until| until > now) {
            return None;
        }
        let acquired = self
            .context
            .locks
            .acquire(group, self.context.lease())
            .await;
        if let Acquired::Unavailable(reason) = &acquired {
            tracing::warn!(reason, "polling without locks for a while: Redis is away");
            *self.away() = Some(Instant::now() + WITHOUT_LOCKS);
        }
        Some(acquired)
    }

    fn away(&self) -> MutexGuard<'_, Option<Instant>> {
        let away = self.without_locks_until.lock();
        away.unwrap_or_else(PoisonError::into_inner)
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
