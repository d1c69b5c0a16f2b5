//! The dispatcher: claims due messages of organizations whose sink is enabled, sends
//! them, and settles the result.
//!
//! Owns: the number of messages in flight, in all and to each sink, so that a slow
//! endpoint delays no other.
//! Never does: SQL or HTTP. The claim alone decides which dispatcher sends a message, and
//! a claimed message is sent at once or not at all.

mod context;
mod job;

pub use context::DispatchContext;

use crate::clock;
use crate::domain::SinkId;
use crate::permits::KeyedPermits;
use crate::store::StoreError;
use job::DispatchJob;
use std::sync::Arc;
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Due sinks that are read beyond those that may be full, so that the dispatcher can send
/// to at least one of them.
const LOOK_BEYOND: u32 = 64;

/// Sends due messages.
pub struct Dispatcher {
    context: Arc<DispatchContext>,
    /// One permit for each message that may be in flight.
    room: Arc<Semaphore>,
    in_flight: Arc<KeyedPermits<SinkId>>,
    /// The sink that was served last. The next one is served before it.
    last: SinkId,
}

impl Dispatcher {
    /// Works until `stop`, then waits for the messages in flight.
    pub async fn run(context: Arc<DispatchContext>, stop: CancellationToken) {
        let in_flight_max = context.config.in_flight_max.u32();
        let mut dispatcher = Self {
            room: Arc::new(Semaphore::new(in_flight_max as usize)),
            in_flight: KeyedPermits::new(context.config.per_sink_in_flight_max.u32()),
            context,
            last: SinkId(Uuid::nil()),
        };
        let mut due = dispatcher.context.store.signals().outbox();
        let look_every = dispatcher.context.config.poll_ms.duration();
        while !stop.is_cancelled() {
            let has_room = match dispatcher.start_due(&stop).await {
                Ok(has_room) => has_room,
                Err(error) => {
                    tracing::error!(%error, "could not look for messages to send; will retry");
                    true
                }
            };
            tokio::select! {
                () = stop.cancelled() => {}
                _ = due.raised() => {}
                () = dispatcher.in_flight.returned(), if !has_room => {}
                () = tokio::time::sleep(look_every) => {}
            }
        }
        // All permits are back once no message is in flight.
        let _ = dispatcher.room.acquire_many(in_flight_max).await;
    }

    /// Starts sending due messages while there is room; returns whether there was room for
    /// all of them.
    async fn start_due(&mut self, stop: &CancellationToken) -> Result<bool, StoreError> {
        loop {
            if stop.is_cancelled() {
                return Ok(true);
            }
            if self.room.available_permits() == 0 {
                return Ok(false);
            }
            // At most as many sinks are full as messages are in flight.
            let max = self
                .context
                .config
                .in_flight_max
                .u32()
                .saturating_add(LOOK_BEYOND);
            let store = &self.context.store;
            let due = store.due_sinks(self.last, clock::now(), max).await?;
            let open: Vec<SinkId> = due
                .iter()
                .copied()
                .filter(|sink| self.in_flight.free(sink) > 0)
                .collect();
            let all_open = open.len() == due.len();
            let mut started = 0;
            for (served, sink) in open.iter().enumerate() {
                // Set before the claim: a sink whose claim fails has had its turn.
                self.last = *sink;
                started += self.take(*sink, open.len() - served).await?;
            }
            if started == 0 {
                return Ok(all_open);
            }
        }
    }

    /// Claims messages of a sink and starts sending them; returns their number. `sinks`
    /// sinks share the room that is left.
    async fn take(&self, sink: SinkId, sinks: usize) -> Result<usize, StoreError> {
        let share = (self.room.available_permits() / sinks).max(1);
        let max = self
            .in_flight
            .free(&sink)
            .min(u32::try_from(share).unwrap_or(u32::MAX));
        let Ok(mut permits) = Arc::clone(&self.room).try_acquire_many_owned(max) else {
            return Ok(0);
        };
        let (context, begun) = (&self.context, Instant::now());
        let (lease, attempts_max) = (context.lease(), context.config.attempts_max.i32());
        let claimed = context
            .store
            .claim_dispatch(sink, clock::now(), lease, max, attempts_max);
        let Some(dispatch) = claimed.await? else {
            return Ok(0);
        };
        let target = Arc::new(dispatch.target);
        let started = dispatch.messages.len();
        for message in dispatch.messages {
            // Nobody else takes permits, so as many are free as were before the claim.
            let (room, of_sink) = (permits.split(1), self.in_flight.try_take(sink));
            let job = DispatchJob {
                context: Arc::clone(context),
                target: Arc::clone(&target),
                message,
                claimed_at: begun,
            };
            tokio::spawn(async move {
                job.send().await;
                // The room first: the sink's permit wakes the dispatcher, which needs both.
                drop(room);
                drop(of_sink);
            });
        }
        Ok(started)
    }
}
