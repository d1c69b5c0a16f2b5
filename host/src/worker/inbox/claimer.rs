//! Claims due deliveries and starts a task for each, so that a slow or broken delivery
//! delays no other.

use super::body_budget::BodyBudget;
use super::context::InboxContext;
use super::opened::OpenedDelivery;
use super::processor::{Claim, Processor};
use super::recipients::Recipients;
use super::settler::{self, Settler};
use crate::clock;
use crate::domain::delivery::ClaimedDelivery;
use crate::measure;
use crate::signals::Waiter;
use crate::store::{Signal, StoreError};
use crate::worker::patience::patiently;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

/// The wait for room for a large claim: many small claims cost the database more than one
/// large one.
const GATHER_MAX: Duration = Duration::from_millis(10);
/// The pause after the database failed.
const RETRY_PAUSE: Duration = Duration::from_millis(500);
/// Tries to read the recipients of a claim. After the last one its leases expire.
const READ_TRIES_MAX: u32 = 5;

/// Works through the inbox.
pub struct InboxWorker {
    context: InboxContext,
    processor: Arc<Processor>,
    settler: Settler,
    /// One permit for each delivery that may be claimed and not yet settled.
    room: Arc<Semaphore>,
    room_max: u32,
    bodies: Arc<BodyBudget>,
}

impl InboxWorker {
    /// Works until `stop`, then finishes what it has claimed.
    pub async fn run(context: InboxContext, stop: CancellationToken) {
        let room_max = context.config.in_flight_max.u32();
        let (settler, settling) = settler::start(context.clone());
        let worker = Self {
            processor: Arc::new(Processor::new(context.clone(), stop.clone())),
            settler,
            room: Arc::new(Semaphore::new(context.config.in_flight_max.usize())),
            room_max,
            bodies: BodyBudget::new(context.config.in_flight_bytes_max.usize()),
            context,
        };
        worker.work(&stop).await;
        // All permits are back once every claimed delivery is settled.
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
                wanted = self.bodies.room(room.num_permits()) => wanted,
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

    /// Room for half of the deliveries that may be in flight, if it is free soon.
    /// Otherwise all the room there is, at least for one.
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

    /// Claims up to `wanted` deliveries, for which there is `room`; returns their number.
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
            let settlement = self.processor.unreadable(delivery);
            let tries = self.context.config.attempts_max.i32();
            self.settler.settle(settlement, tries, permit).await;
        }
        if !claim.deliveries.is_empty() {
            // The other half of the lease is for processing and settling.
            let open_until = started + lease / 2;
            self.hand_out(claim.deliveries, room, open_until).await;
        }
        Ok(count)
    }

    /// Starts a task for each delivery.
    async fn hand_out(
        &self,
        deliveries: Vec<ClaimedDelivery>,
        mut room: OwnedSemaphorePermit,
        open_until: Instant,
    ) {
        let sizes = deliveries.iter().map(|delivery| delivery.body.len());
        let held = self.bodies.hold(sizes);
        let registry = Arc::clone(&self.context.registry);
        let open = move || -> Vec<OpenedDelivery> {
            let open = |delivery| OpenedDelivery::open(&registry, delivery);
            deliveries.into_iter().map(open).collect()
        };
        let Ok(opened) = tokio::task::spawn_blocking(open).await else {
            tracing::error!("could not open the deliveries of a claim; their leases will expire");
            return;
        };
        let for_all = match self.prepare(&opened, open_until).await {
            Ok(claim) => Some(claim),
            Err(error) if error.is_transient() => {
                tracing::error!(%error, deliveries = opened.len(), "could not read the recipients of a claim; its leases will expire");
                return;
            }
            Err(_) => None,
        };
        for (mut opened, held) in opened.into_iter().zip(held) {
            let Some(permit) = room.split(1) else { break };
            let claim = match &for_all {
                Some(claim) => Ok(Arc::clone(claim)),
                // One of them has recipients that cannot be read: each on its own.
                None => {
                    self.prepare(std::slice::from_ref(&opened), open_until)
                        .await
                }
            };
            let (processor, settler) = (Arc::clone(&self.processor), self.settler.clone());
            let ClaimedDelivery {
                id, attempt, tries, ..
            } = opened.delivery;
            tokio::spawn(async move {
                let settlement = match claim {
                    Ok(claim) => {
                        claim.recipients.name_provider(&mut opened);
                        processor.process_in_time(&opened, &claim).await
                    }
                    Err(error) => Some(processor.unprepared(&opened.delivery, &error)),
                };
                // The body is no longer needed, so the next claim may use its bytes.
                drop((opened, held));
                match settlement {
                    Some(settlement) => settler.settle(settlement, tries, permit).await,
                    None => settler.give_back(id, attempt, permit).await,
                }
            });
        }
    }

    async fn prepare(
        &self,
        opened: &[OpenedDelivery],
        open_until: Instant,
    ) -> Result<Arc<Claim>, StoreError> {
        let recipients = patiently(READ_TRIES_MAX, RETRY_PAUSE, || {
            Recipients::read(&self.context.store, opened)
        })
        .await?;
        Ok(Arc::new(Claim {
            recipients,
            open_until,
        }))
    }

    /// Waits until a delivery may be due.
    async fn wait(&self, due: &mut Waiter, stop: &CancellationToken) {
        tokio::select! {
            () = stop.cancelled() => {}
            () = due.raised() => {}
            () = tokio::time::sleep(self.context.config.poll_ms.duration()) => {}
        }
    }
}
