//! Claims due deliveries, a share of each lane, and starts a task for each delivery, so that
//! a slow or broken one delays no other.

use super::context::InboxContext;
use super::in_flight::{BASE_BYTES, COPIES, HeldBody, HeldRow};
use super::keeper::Keeper;
use super::opened::OpenedDelivery;
use super::processor::{Claim, Processor};
use super::recipients::Recipients;
use super::settler::{self, Settler};
use super::work::Work;
use crate::domain::Lane;
use crate::domain::delivery::ClaimedDelivery;
use crate::measure;
use crate::signals::{Raised, Waiter};
use crate::store::{ClaimMemory, LaneShare, StoreError};
use crate::worker::patience::patiently;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;
use uuid::Uuid;

/// The wait for room for a large claim.
const GATHER_MAX: Duration = Duration::from_millis(10);
/// The pause after the database failed.
const RETRY_PAUSE: Duration = Duration::from_millis(500);
/// Tries to read the recipients of a claim. After the last one the deliveries return to
/// their lanes.
const READ_TRIES_MAX: u32 = 5;

/// Works through the inbox.
pub struct InboxWorker {
    context: InboxContext,
    processor: Arc<Processor>,
    settler: Settler,
    work: Arc<Work>,
}

/// A claimed delivery: its row and its body.
type Held = (HeldRow, HeldBody);

impl InboxWorker {
    /// Works until `stop`, then finishes what it has claimed.
    pub async fn run(context: InboxContext, stop: CancellationToken) {
        let work = Arc::new(Work::new(&context.config));
        let (settler, mut settling) = settler::start(context.clone(), Arc::clone(&work));
        let released = CancellationToken::new();
        let keeper = Keeper::new(context.clone(), Arc::clone(&work));
        let keeping = tokio::spawn(keeper.run(released.clone()));
        let worker = Self {
            processor: Arc::new(Processor::new(context.clone(), stop.clone())),
            settler,
            work: Arc::clone(&work),
            context,
        };
        let worked = async {
            worker.work(&stop).await;
            // Whatever is claimed is settled or given back.
            work.in_flight.empty().await;
        };
        tokio::select! {
            () = worked => {}
            // Nothing can be settled any more. The supervisor starts another worker, which
            // takes over once nobody renews the lease of this one.
            _ = &mut settling => return keeping.abort(),
        }
        drop(worker);
        let _ = settling.await;
        released.cancel();
        let _ = keeping.await;
    }

    async fn work(&self, stop: &CancellationToken) {
        let mut due = self.context.store.signals().inbox();
        let mut look = Look {
            is_wanted: true,
            not_before: Instant::now(),
        };
        while !stop.is_cancelled() {
            let step = async {
                if look.is_due() {
                    let begun = Instant::now();
                    let lanes = self.context.store.ready_lanes().await?;
                    self.work.lanes().add_ready(lanes);
                    look.done(begun);
                }
                self.work.in_flight.gather(GATHER_MAX).await;
                let shares = self.work.lanes().plan(&self.work.in_flight, Instant::now());
                match shares.is_empty() {
                    true => Ok(0),
                    false => self.claim(&shares).await,
                }
            };
            match step.await {
                Ok(0) => self.wait(&mut due, &mut look, stop).await,
                Ok(_) => {}
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

    /// Claims a share of each lane; returns the number of deliveries.
    async fn claim(&self, shares: &[LaneShare]) -> Result<usize, StoreError> {
        let room = self.work.in_flight.room();
        let memory = ClaimMemory {
            bytes_max: room.bytes,
            may_exceed: room.is_idle,
            copies: COPIES,
            base_bytes: BASE_BYTES,
        };
        let store = &self.context.store;
        // The keeper must not release deliveries that are claimed and not yet registered.
        let claiming = self.work.claiming.lock().await;
        let claim = store
            .claim_deliveries(self.work.worker, shares, memory)
            .instrument(tracing::debug_span!("claim", lanes = shares.len()))
            .await?;
        let held: Vec<Held> = claim
            .deliveries
            .iter()
            .map(|delivery| self.hold(delivery))
            .collect();
        let unreadable: Vec<HeldRow> = claim
            .unreadable
            .iter()
            .map(|row| self.work.in_flight.hold(row.id, row.lane, 0).0)
            .collect();
        drop(claiming);
        let now = Instant::now();
        for share in shares {
            let found = claim.lanes.get(&share.lane);
            self.work.lanes().claimed(share, found, now);
        }
        let count = claim.rows();
        measure::claimed(count);
        for (delivery, row) in claim.unreadable.iter().zip(unreadable) {
            let settlement = self.processor.unreadable(delivery);
            self.settler.settle(settlement, row).await;
        }
        if !claim.deliveries.is_empty() {
            self.hand_out(claim.deliveries, held).await;
        }
        Ok(count)
    }

    fn hold(&self, delivery: &ClaimedDelivery) -> Held {
        let (id, lane) = (delivery.id, delivery.lane);
        self.work.in_flight.hold(id, lane, delivery.body.len())
    }

    /// Starts a task for each delivery.
    async fn hand_out(&self, deliveries: Vec<ClaimedDelivery>, held: Vec<Held>) {
        let registry = Arc::clone(&self.context.registry);
        let open = move || -> Vec<OpenedDelivery> {
            let open = |delivery| OpenedDelivery::open(&registry, delivery);
            deliveries.into_iter().map(open).collect()
        };
        let Ok(opened) = tokio::task::spawn_blocking(open).await else {
            tracing::error!("could not open the deliveries of a claim; they return to their lanes");
            return;
        };
        let for_all = match self.prepare(&opened).await {
            Ok(claim) => Some(claim),
            Err(error) if error.is_transient() => {
                tracing::error!(%error, deliveries = opened.len(), "could not read the recipients of a claim; its deliveries return to their lanes");
                return;
            }
            Err(_) => None,
        };
        for (mut opened, (row, body)) in opened.into_iter().zip(held) {
            let claim = match &for_all {
                Some(claim) => Ok(Arc::clone(claim)),
                // One of them has recipients that cannot be read: each on its own.
                None => self.prepare(std::slice::from_ref(&opened)).await,
            };
            let (processor, settler) = (Arc::clone(&self.processor), self.settler.clone());
            let ClaimedDelivery { id, attempt, .. } = opened.delivery;
            tokio::spawn(async move {
                let settlement = match claim {
                    Ok(claim) => {
                        claim.recipients.name_provider(&mut opened);
                        processor.process_in_time(&opened, &claim).await
                    }
                    Err(error) => Some(processor.unprepared(&opened.delivery, &error)),
                };
                // The body is no longer needed, so the next claim may use its bytes.
                drop((opened, body));
                match settlement {
                    Some(settlement) => settler.settle(settlement, row).await,
                    None => settler.give_back(id, attempt, row).await,
                }
            });
        }
    }

    async fn prepare(&self, opened: &[OpenedDelivery]) -> Result<Arc<Claim>, StoreError> {
        let recipients = patiently(READ_TRIES_MAX, RETRY_PAUSE, || {
            Recipients::read(&self.context.store, opened)
        })
        .await?;
        Ok(Arc::new(Claim { recipients }))
    }

    /// Waits until a delivery may be due, or until there is room for one that is.
    async fn wait(&self, due: &mut Waiter<Uuid>, look: &mut Look, stop: &CancellationToken) {
        let is_full = !self.work.lanes().is_empty();
        tokio::select! {
            () = stop.cancelled() => {}
            raised = due.raised() => match raised {
                Raised::Keys(lanes) => self.work.lanes().add(lanes.into_iter().map(Lane)),
                Raised::All => {
                    self.work.lanes().rewind_all();
                    look.now();
                }
            },
            () = self.work.returned.notified() => {}
            () = self.work.in_flight.freed(), if is_full => {}
            () = tokio::time::sleep(self.context.config.poll_ms.duration()) => look.soon(),
        }
    }
}

/// When to look for lanes with work, because a signal may have been lost.
#[derive(Debug)]
struct Look {
    is_wanted: bool,
    not_before: Instant,
}

impl Look {
    /// The part of the time that looks may take: a look reads what ended deliveries have left
    /// in the index, which a transaction that stays open keeps there.
    const SHARE: u32 = 20;

    fn now(&mut self) {
        self.is_wanted = true;
        self.not_before = Instant::now();
    }

    fn soon(&mut self) {
        self.is_wanted = true;
    }

    fn is_due(&self) -> bool {
        self.is_wanted && Instant::now() >= self.not_before
    }

    fn done(&mut self, begun: Instant) {
        self.is_wanted = false;
        self.not_before = Instant::now() + begun.elapsed() * Self::SHARE;
    }
}
