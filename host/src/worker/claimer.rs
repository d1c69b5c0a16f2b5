//! Claims deliveries that are due and hands each to a task of its own; a slow or
//! broken one holds up nobody but itself.

use super::address::Addresses;
use super::audience::Batch;
use super::load::Load;
use super::processor::{Processor, Shared};
use super::settler::{self, Settler};
use crate::clock;
use crate::config::InboxConfig;
use crate::domain::backoff::Backoff;
use crate::domain::delivery::ClaimedDelivery;
use crate::measure;
use crate::provider::Registry;
use crate::signals::{Signals, Waiter};
use crate::store::{Signal, Store, StoreError};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

/// How long to collect room for a large claim before claiming what there is room
/// for: many small claims cost the database more than one large one.
const GATHER_MAX: Duration = Duration::from_millis(10);
/// The pause after the database failed.
const RETRY_PAUSE: Duration = Duration::from_millis(500);
/// How often the database is looked at for a claim before its leases are left to
/// lapse.
const LOOKS_MAX: u32 = 5;

/// What a worker works with.
#[derive(Clone)]
pub struct InboxContext {
    /// The store.
    pub store: Store,
    /// The providers.
    pub registry: Arc<Registry>,
    /// Who waits for whom.
    pub signals: Signals,
    /// Its settings.
    pub config: InboxConfig,
    /// Cancelled when what is still being worked on must be given back.
    pub release: CancellationToken,
}

impl InboxContext {
    pub(super) fn backoff(&self) -> Backoff {
        Backoff {
            base: Duration::from_millis(self.config.retry_base_ms),
            max: Duration::from_millis(self.config.retry_max_ms),
        }
    }

    pub(super) fn lease(&self) -> Duration {
        Duration::from_secs(self.config.lease_seconds)
    }
}

/// Works through the inbox.
pub struct InboxWorker {
    context: InboxContext,
    processor: Arc<Processor>,
    settler: Settler,
    /// One permit for each delivery that may be claimed and not yet settled.
    room: Arc<Semaphore>,
    room_max: u32,
    load: Arc<Load>,
}

impl InboxWorker {
    /// Works until `stop`, then finishes what it has claimed.
    pub async fn run(context: InboxContext, stop: CancellationToken) {
        let room_max = u32::try_from(context.config.in_flight_max).unwrap_or(u32::MAX);
        let (settler, settling) = settler::start(context.clone());
        let worker = Self {
            processor: Arc::new(Processor::new(context.clone(), stop.clone())),
            settler,
            room: Arc::new(Semaphore::new(context.config.in_flight_max)),
            room_max,
            load: Load::new(context.config.in_flight_bytes_max),
            context,
        };
        worker.work(&stop).await;
        // Every permit back means that everything claimed has been settled.
        let _ = worker.room.acquire_many(room_max).await;
        drop(worker);
        let _ = settling.await;
    }

    async fn work(&self, stop: &CancellationToken) {
        let mut due = self.context.signals.waiter(Signal::Inbox);
        while !stop.is_cancelled() {
            let room = tokio::select! {
                () = stop.cancelled() => return,
                room = self.make_room() => room,
            };
            let Some(room) = room else { return };
            let wanted = tokio::select! {
                () = stop.cancelled() => return,
                wanted = self.load.room(room.num_permits()) => wanted,
            };
            match self.claim(room, wanted).await {
                Ok(claimed) if claimed == wanted => {}
                Ok(_) => self.wait(&mut due, stop).await,
                Err(error) => {
                    tracing::error!(%error, "could not claim deliveries");
                    tokio::select! {
                        () = stop.cancelled() => {}
                        () = tokio::time::sleep(RETRY_PAUSE) => {}
                    }
                }
            }
        }
    }

    /// Room for half of what may be in flight, if it comes soon; else for whatever
    /// there is, but at least one.
    async fn make_room(&self) -> Option<OwnedSemaphorePermit> {
        let half = (self.room_max / 2).max(1);
        let gather = Arc::clone(&self.room).acquire_many_owned(half);
        let mut room = match tokio::time::timeout(GATHER_MAX, gather).await {
            Ok(room) => room.ok()?,
            Err(_) => Arc::clone(&self.room).acquire_owned().await.ok()?,
        };
        let rest = u32::try_from(self.room.available_permits()).unwrap_or(u32::MAX);
        if let Ok(rest) = Arc::clone(&self.room).try_acquire_many_owned(rest) {
            room.merge(rest);
        }
        Some(room)
    }

    /// Claims as many as are wanted, for which there is room; returns how many there
    /// were.
    async fn claim(
        &self,
        mut room: OwnedSemaphorePermit,
        wanted: usize,
    ) -> Result<usize, StoreError> {
        let (store, lease) = (&self.context.store, self.context.lease());
        let started = Instant::now();
        let claim = store
            .claim_deliveries(clock::now(), lease, wanted)
            .instrument(tracing::debug_span!("claim", wanted))
            .await?;
        let count = claim.deliveries.len() + claim.unreadable.len();
        measure::claimed(count, claim.reclaimed);
        for delivery in &claim.unreadable {
            let Some(permit) = room.split(1) else { break };
            let decided = self.processor.unreadable(delivery);
            self.settler.settle(decided, permit).await;
        }
        if !claim.deliveries.is_empty() {
            // The other half is for working on them and for settling them.
            let open_until = started + lease / 2;
            self.hand_out(claim.deliveries, room, open_until).await;
        }
        Ok(count)
    }

    /// Hands each delivery to a task of its own.
    async fn hand_out(
        &self,
        mut deliveries: Vec<ClaimedDelivery>,
        mut room: OwnedSemaphorePermit,
        open_until: Instant,
    ) {
        let sizes = deliveries.iter().map(|delivery| delivery.body.len());
        let held = self.load.hold(sizes);
        let registry = Arc::clone(&self.context.registry);
        let read = move || {
            let addresses = Addresses::read(&registry, &mut deliveries);
            (deliveries, Arc::new(addresses))
        };
        let Ok((deliveries, addresses)) = tokio::task::spawn_blocking(read).await else {
            tracing::error!("could not read the addresses of a claim; its leases will lapse");
            return;
        };
        let prepare = async |deliveries: &[ClaimedDelivery]| {
            let batch = self.look(deliveries, &addresses).await?;
            let addresses = Arc::clone(&addresses);
            Ok::<_, StoreError>(Arc::new(Shared {
                addresses,
                batch,
                open_until,
            }))
        };
        let all = match prepare(&deliveries).await {
            Ok(shared) => Some(shared),
            Err(error) if error.is_transient() => {
                tracing::error!(%error, deliveries = deliveries.len(), "could not prepare a claim; its leases will lapse");
                return;
            }
            Err(_) => None,
        };
        for (mut delivery, held) in deliveries.into_iter().zip(held) {
            let Some(permit) = room.split(1) else { break };
            let shared = match &all {
                Some(shared) => Ok(Arc::clone(shared)),
                // Something about one of them cannot be read: each on its own.
                None => prepare(std::slice::from_ref(&delivery)).await,
            };
            if let Ok(shared) = &shared {
                shared.batch.adopt(&mut delivery, &addresses);
            }
            let (processor, settler) = (Arc::clone(&self.processor), self.settler.clone());
            tokio::spawn(async move {
                let decided = match shared {
                    Ok(shared) => processor.process_in_time(&delivery, &shared).await,
                    Err(error) => processor.unprepared(&delivery, &error),
                };
                drop((delivery, held));
                settler.settle(decided, permit).await;
            });
        }
    }

    /// The look at the database that deliveries need; more than one while it is
    /// away.
    async fn look(
        &self,
        deliveries: &[ClaimedDelivery],
        addresses: &Addresses,
    ) -> Result<Batch, StoreError> {
        let mut tries = 0;
        loop {
            tries += 1;
            match Batch::read(&self.context.store, deliveries, addresses).await {
                Err(error) if error.is_transient() && tries < LOOKS_MAX => {
                    tokio::time::sleep(RETRY_PAUSE).await;
                }
                result => return result,
            }
        }
    }

    /// Until something may be due.
    async fn wait(&self, due: &mut Waiter, stop: &CancellationToken) {
        tokio::select! {
            () = stop.cancelled() => {}
            () = due.raised() => {}
            () = tokio::time::sleep(Duration::from_millis(self.context.config.poll_ms)) => {}
        }
    }
}
