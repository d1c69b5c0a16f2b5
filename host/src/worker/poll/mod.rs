//! Asks services what is new: takes poll groups that are due, one call of its provider
//! after the other, and settles each page with its cursor.
//!
//! Owns: which groups this process polls, and how long it holds them.
//! Never does: SQL, HTTP, or anything about a particular service. What it remembers
//! between two polls (see [`caches`]) is a matter of manners: everything that counts
//! is in the database.

mod caches;
mod keeper;
mod outcome;
mod pages;

use crate::clock;
use crate::config::PollingConfig;
use crate::credentials::Credentials;
use crate::domain::{PollGroupId, Timestamp};
use crate::lock::{Acquired, LockGuard, Locks};
use crate::measure;
use crate::provider::{Egress, Registry};
use crate::signals::Signals;
use crate::store::{ClaimedPoll, PollFailed, Signal, Store, StoreError};
use caches::Caches;
use keeper::Keeper;
use outcome::Ended;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

/// Groups that are looked at beyond those for which there is room: others may have some
/// of them in hand.
const LOOK_BEYOND: u32 = 64;
/// The pause while others have in hand what is due.
const PAUSE_MIN: Duration = Duration::from_millis(100);
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
}

impl PollWorker {
    /// Works until `stop`, then gives back what it has claimed.
    pub async fn run(context: PollContext, stop: CancellationToken) {
        let polls_max = context.polls_max;
        let worker = Self {
            room: Arc::new(Semaphore::new(polls_max as usize)),
            context: Arc::new(context),
            caches: Arc::default(),
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
        let lock = match context.locks.acquire(group, lease).await {
            Acquired::Held(lock) => Some(lock),
            Acquired::Busy => return Ok(None),
            Acquired::Unavailable(reason) => {
                tracing::warn!(group.id = %group, reason, "polling without a lock: Redis is away");
                None
            }
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

    fn start(&self, taken: Taken, permit: OwnedSemaphorePermit, stop: &CancellationToken) {
        let Taken { claim, lock } = taken;
        let poll = Poll {
            context: Arc::clone(&self.context),
            caches: Arc::clone(&self.caches),
            halt: stop.child_token(),
            claim,
        };
        tokio::spawn(async move {
            poll.run(lock).await;
            drop(permit);
        });
    }
}

/// A group that is claimed, and locked where there is Redis.
struct Taken {
    claim: ClaimedPoll,
    lock: Option<LockGuard>,
}

/// One claimed group.
struct Poll {
    context: Arc<PollContext>,
    caches: Arc<Caches>,
    claim: ClaimedPoll,
    /// Cancelled when the process is about to end, and when the claim is lost.
    halt: CancellationToken,
}

impl Poll {
    async fn run(self, lock: Option<LockGuard>) {
        let keeper = Keeper::start(&self.context, &self.claim, lock, self.halt.clone());
        let span = tracing::debug_span!("poll", group.id = %self.claim.group, provider.id = self.claim.provider);
        let ended = self.pages().instrument(span).await;
        let written = match &ended {
            Ended::Settled => true,
            Ended::Failed(failed) => self.note(failed).await,
            Ended::Lost => false,
        };
        // Until then the group is held: another one would ask the service in vain.
        keeper.stop().await;
        measure::polled(
            &self.claim.provider,
            if written {
                ended.as_str()
            } else {
                Ended::Lost.as_str()
            },
        );
        if !written {
            self.log_lost();
        }
    }

    fn log_lost(&self) {
        tracing::warn!(
            group.id = %self.claim.group,
            provider.id = self.claim.provider,
            "a poll took longer than its claim held; somebody else has the group"
        );
    }

    /// Writes down why there is no page; false if somebody else has the group.
    async fn note(&self, failed: &PollFailed) -> bool {
        let store = &self.context.store;
        for _ in 0..TRIES_MAX {
            match store.fail_poll(&self.claim, failed, clock::now()).await {
                Ok(held) => {
                    if held {
                        self.log(failed);
                    }
                    return held;
                }
                Err(error) if error.is_transient() => tokio::time::sleep(TRY_PAUSE).await,
                Err(error) => {
                    tracing::error!(group.id = %self.claim.group, %error, "could not note that a poll failed; its lease will lapse");
                    return true;
                }
            }
        }
        tracing::error!(group.id = %self.claim.group, "the database is away; the lease of a poll will lapse");
        true
    }

    /// Without the texts, which a service or a guest has written.
    fn log(&self, failed: &PollFailed) {
        let (group, provider) = (self.claim.group, self.claim.provider.as_str());
        let attempt = self.claim.failures + 1;
        match failed {
            PollFailed::GiveBack { .. } => {
                tracing::debug!(group.id = %group, provider.id = provider, "a poll was given back");
            }
            PollFailed::Retry { at, .. } => {
                tracing::warn!(group.id = %group, provider.id = provider, attempt, next = %at, "a poll failed");
            }
            PollFailed::RateLimited { until, .. } => {
                tracing::info!(group.id = %group, provider.id = provider, until = %until, "a service wants to be left alone");
            }
            PollFailed::Unauthorized { .. } => {
                tracing::warn!(group.id = %group, provider.id = provider, integration.id = %self.claim.integration,
                    "a credential was refused; polling stops until there is a new one");
            }
        }
    }

    fn give_back(&self, pause: Duration) -> Ended {
        let at: Timestamp = clock::now() + pause;
        Ended::Failed(PollFailed::GiveBack { at })
    }
}
