//! Sends messages to sinks: claims what is due where a sink is switched on, sends it,
//! and settles what came of it.
//!
//! Owns: how many messages are under way, in all and to each sink, so that a slow
//! endpoint holds up nobody else.
//! Never does: SQL or HTTP. Which dispatcher sends a message is for the claim to say; a
//! message that was claimed is sent at once, or not at all.

mod parcel;
mod under_way;

use crate::clock;
use crate::config::SinksConfig;
use crate::domain::SinkId;
use crate::domain::backoff::Backoff;
use crate::domain::sink::CircuitRule;
use crate::secret::MasterKey;
use crate::signals::Signals;
use crate::sink::Sender;
use crate::store::{Signal, Store, StoreError};
use parcel::Parcel;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use under_way::UnderWay;
use uuid::Uuid;

/// Sinks that are looked at beyond those that may be full: in each of these something
/// may be started.
const LOOK_BEYOND: u32 = 64;

/// What a dispatcher works with.
pub struct DispatchContext {
    /// The store.
    pub store: Store,
    /// Who waits for whom.
    pub signals: Signals,
    /// The ways out.
    pub sender: Sender,
    /// Opens what requests are signed with.
    pub master_key: Arc<MasterKey>,
    /// Its settings.
    pub config: SinksConfig,
    /// How long a run may take to be started once its message was taken.
    pub start: Duration,
}

impl DispatchContext {
    fn lease(&self) -> Duration {
        Duration::from_secs(self.config.lease_seconds)
    }

    /// How long after its claim a message may still be sent, so that sending it is over
    /// before anybody else may claim it.
    fn fresh(&self) -> Duration {
        self.lease()
            .saturating_sub(Duration::from_millis(self.config.timeout_ms))
    }

    fn backoff(&self) -> Backoff {
        Backoff {
            base: Duration::from_millis(self.config.retry_base_ms),
            max: Duration::from_millis(self.config.retry_max_ms),
        }
    }

    fn rule(&self) -> CircuitRule {
        CircuitRule {
            failures: self.config.circuit_failures,
            pause: Duration::from_secs(self.config.circuit_seconds),
        }
    }
}

/// Sends what is due.
pub struct Dispatcher {
    context: Arc<DispatchContext>,
    /// One permit for each message that may be under way.
    room: Arc<Semaphore>,
    under_way: Arc<UnderWay>,
    /// The sink that was served last: the next one has its turn before it.
    last: SinkId,
}

impl Dispatcher {
    /// Works until `stop`, then waits for what is under way.
    pub async fn run(context: DispatchContext, stop: CancellationToken) {
        let in_flight_max = context.config.in_flight_max;
        let mut dispatcher = Self {
            room: Arc::new(Semaphore::new(in_flight_max as usize)),
            under_way: Arc::new(UnderWay::new(context.config.per_sink_in_flight_max)),
            context: Arc::new(context),
            last: SinkId(Uuid::nil()),
        };
        let mut due = dispatcher.context.signals.waiter(Signal::Outbox);
        let look_every = Duration::from_millis(dispatcher.context.config.poll_ms);
        while !stop.is_cancelled() {
            let has_room = match dispatcher.start_due(&stop).await {
                Ok(has_room) => has_room,
                Err(error) => {
                    tracing::error!(%error, "could not look for messages to send; trying again");
                    true
                }
            };
            tokio::select! {
                () = stop.cancelled() => {}
                () = due.raised() => {}
                () = dispatcher.under_way.ended(), if !has_room => {}
                () = tokio::time::sleep(look_every) => {}
            }
        }
        // Every permit back means that nothing is under way.
        let _ = dispatcher.room.acquire_many(in_flight_max).await;
    }

    /// Starts sending what is due, as far as there is room; returns whether there was
    /// room for all of it.
    async fn start_due(&mut self, stop: &CancellationToken) -> Result<bool, StoreError> {
        loop {
            if stop.is_cancelled() {
                return Ok(true);
            }
            if self.room.available_permits() == 0 {
                return Ok(false);
            }
            // There cannot be more sinks that are full than messages under way.
            let max = self
                .context
                .config
                .in_flight_max
                .saturating_add(LOOK_BEYOND);
            let store = &self.context.store;
            let due = store.due_sinks(self.last, clock::now(), max).await?;
            let open: Vec<SinkId> = due
                .iter()
                .copied()
                .filter(|sink| self.under_way.room(*sink) > 0)
                .collect();
            let all_open = open.len() == due.len();
            let mut started = 0;
            for (served, sink) in open.iter().enumerate() {
                // Before it is served: one whose claim fails has had its turn.
                self.last = *sink;
                started += self.take(*sink, open.len() - served).await?;
            }
            if started == 0 {
                return Ok(all_open);
            }
        }
    }

    /// Claims messages of a sink, of which `sinks` share the room that there is, and
    /// starts sending them; returns how many.
    async fn take(&self, sink: SinkId, sinks: usize) -> Result<usize, StoreError> {
        let share = (self.room.available_permits() / sinks).max(1);
        let max = self
            .under_way
            .room(sink)
            .min(u32::try_from(share).unwrap_or(u32::MAX));
        let Ok(mut permits) = Arc::clone(&self.room).try_acquire_many_owned(max) else {
            return Ok(0);
        };
        let (context, begun) = (&self.context, Instant::now());
        let (lease, attempts_max) = (context.lease(), context.config.attempts_max);
        let claimed = context
            .store
            .claim_dispatch(sink, clock::now(), lease, max, attempts_max);
        let Some(dispatch) = claimed.await? else {
            return Ok(0);
        };
        let target = Arc::new(dispatch.target);
        let started = dispatch.messages.len();
        for message in dispatch.messages {
            let (permit, place) = (permits.split(1), self.under_way.begin(sink));
            let parcel = Parcel {
                context: Arc::clone(context),
                target: Arc::clone(&target),
                message,
                claimed_at: begun,
            };
            tokio::spawn(async move {
                parcel.send().await;
                // The room first: whoever is woken finds it.
                drop(permit);
                drop(place);
            });
        }
        Ok(started)
    }
}
