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
mod shares;

pub use context::PollContext;

use crate::clock;
use crate::domain::{OrgId, PollGroupId};
use crate::lock::{Acquired, LockGuard};
use crate::store::{ClaimedPoll, DuePoll, StoreError};
use caches::Caches;
use group::Poll;
use shares::{PollShares, PollSlot};
use std::collections::HashSet;
use std::sync::atomic::AtomicI32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

/// Due groups that are read at once.
const LOOK_GROUPS_MAX: u32 = 256;
/// The pause while other replicas hold all due groups.
const PAUSE_MIN: Duration = Duration::from_millis(100);
/// The time without locks after Redis was unavailable.
const WITHOUT_LOCKS: Duration = Duration::from_secs(10);

/// Polls due groups.
pub struct PollWorker {
    context: Arc<PollContext>,
    caches: Arc<Caches>,
    /// The polls that may run, shared out among organizations.
    shares: PollShares,
    /// One permit for each of them.
    room: Arc<Semaphore>,
    /// Wakes the worker when a poll has ended.
    freed: Arc<Notify>,
    /// Redis was unavailable and is left alone until then.
    without_locks_until: Mutex<Option<Instant>>,
}

/// Due groups that are not polled yet.
#[derive(Default)]
struct DueGroups {
    groups: Vec<DuePoll>,
    read_at: Option<Instant>,
}

impl DueGroups {
    fn organizations(&self) -> HashSet<OrgId> {
        self.groups.iter().map(|due| due.org.clone()).collect()
    }
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
            shares: PollShares::new(
                polls_max as usize,
                context.config.organization_polls_max.usize(),
            ),
            room: Arc::new(Semaphore::new(polls_max as usize)),
            freed: Arc::default(),
            context: Arc::new(context),
            caches: Arc::default(),
            without_locks_until: Mutex::default(),
        };
        let mut due = worker.context.store.signals().polls();
        let mut known = DueGroups::default();
        while !stop.is_cancelled() {
            let pause = worker.start_due(&mut known, &stop).await;
            tokio::select! {
                () = stop.cancelled() => {}
                _ = due.raised() => known.groups.clear(),
                () = worker.freed.notified() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
        // All permits are back once every poll has ended.
        let _ = worker.room.acquire_many(polls_max).await;
    }

    /// Starts polls of due groups while there is room; returns the time until the next
    /// group is due.
    async fn start_due(&self, known: &mut DueGroups, stop: &CancellationToken) -> Duration {
        let look_every = self.context.config.poll_ms.duration();
        loop {
            let started = match self.look(known).await {
                Ok(()) => self.start_known(known, stop).await,
                Err(error) => Err(error),
            };
            match started {
                // There may be more due groups than were read.
                Ok(started) if started > 0 && known.groups.is_empty() => {}
                Ok(_) => break,
                Err(error) => {
                    tracing::error!(%error, "could not look for due polls; will retry");
                    return look_every;
                }
            }
            if stop.is_cancelled() {
                return look_every;
            }
        }
        self.shares.wait(known.organizations());
        if !known.groups.is_empty() {
            // They wait for a slot, which a poll frees when it ends.
            return look_every;
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

    /// Reads due groups, unless those that are known are few and fresh.
    async fn look(&self, known: &mut DueGroups) -> Result<(), StoreError> {
        let fresh = self.context.config.poll_ms.duration();
        let is_fresh = known.read_at.is_some_and(|at| at.elapsed() < fresh);
        if known.groups.is_empty() || !is_fresh {
            let now = clock::now();
            known.groups = self.context.store.due_polls(now, LOOK_GROUPS_MAX).await?;
            known.read_at = Some(Instant::now());
        }
        Ok(())
    }

    /// Starts polls of known groups; returns their number.
    async fn start_known(
        &self,
        known: &mut DueGroups,
        stop: &CancellationToken,
    ) -> Result<usize, StoreError> {
        let mut started = 0;
        while !stop.is_cancelled() {
            let organizations = known.groups.iter().map(|due| &due.org);
            let Some((place, slot)) = self.shares.take(organizations) else {
                break;
            };
            let Ok(permit) = Arc::clone(&self.room).try_acquire_owned() else {
                break;
            };
            let due = known.groups.remove(place);
            if let Some(taken) = self.take(due.group).await? {
                self.start(taken, slot, permit, stop);
                started += 1;
            }
        }
        Ok(started)
    }

    /// Locks and claims a group; none if another replica holds it.
    async fn take(&self, group: PollGroupId) -> Result<Option<Taken>, StoreError> {
        let (context, lease) = (&self.context, self.context.lease());
        let lock = match self.lock(group).await {
            Some(Acquired::Held(lock)) => Some(lock),
            Some(Acquired::Busy) => return Ok(None),
            Some(Acquired::Unavailable(_)) | None => None,
        };
        let random = rand::random();
        let retry = |failures| context.backoff().after(failures, random);
        let claim = context.store.claim_poll(group, clock::now(), lease, retry);
        let claimed = claim.await;
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

    fn start(
        &self,
        taken: Taken,
        slot: PollSlot,
        permit: OwnedSemaphorePermit,
        stop: &CancellationToken,
    ) {
        let Taken { claim, lock } = taken;
        let freed = Arc::clone(&self.freed);
        let poll = Poll {
            context: Arc::clone(&self.context),
            caches: Arc::clone(&self.caches),
            halt: stop.child_token(),
            claim,
            slot,
            failures: AtomicI32::new(0),
        };
        tokio::spawn(async move {
            poll.run(lock).await;
            drop(permit);
            freed.notify_one();
        });
    }
}
