//! The dispatcher: claims due messages of organizations whose sink is enabled, sends
//! them, and settles the result.
//!
//! Owns: the number of messages in flight, in all and to each sink, so that a slow
//! endpoint delays no other; and when it looks at which sink. It asks about a sink when its
//! organization was signalled or a time of its own has come, and about all of them from
//! time to time.
//! Never does: SQL or HTTP. The claim alone decides which dispatcher sends a message, and
//! a claimed message is sent at once or not at all.

mod agenda;
mod context;
mod job;

pub use context::DispatchContext;

use crate::clock;
use crate::domain::{SinkId, Timestamp};
use crate::permits::KeyedPermits;
use crate::signals::Raised;
use crate::store::StoreError;
use agenda::Agenda;
use job::DispatchJob;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, mpsc};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// The claims of a message after which it becomes a dead letter whatever its age:
/// dispatchers seem to die of it.
const CLAIMS_MAX: i32 = 1_000;
/// The pause after the database failed.
const RETRY_PAUSE: Duration = Duration::from_millis(500);

/// Sends due messages.
pub struct Dispatcher {
    context: Arc<DispatchContext>,
    /// One permit for each message that may be in flight.
    room: Arc<Semaphore>,
    in_flight: Arc<KeyedPermits<SinkId>>,
    agenda: Agenda,
    /// Tells the dispatcher when a sink may be sent to again.
    times: mpsc::UnboundedSender<(Timestamp, SinkId)>,
}

impl Dispatcher {
    /// Works until `stop`, then waits for the messages in flight.
    pub async fn run(context: Arc<DispatchContext>, stop: CancellationToken) {
        let in_flight_max = context.config.in_flight_max.u32();
        let look_every = context.config.poll_ms.duration();
        // Bounded by the messages in flight.
        let (times, mut noted) = mpsc::unbounded_channel();
        let signals = context.store.signals().clone();
        let (mut due, mut sinks) = (signals.outbox(), signals.sinks());
        let mut dispatcher = Self {
            room: Arc::new(Semaphore::new(in_flight_max as usize)),
            in_flight: KeyedPermits::new(context.config.per_sink_in_flight_max.u32()),
            context,
            agenda: Agenda::default(),
            times,
        };
        let mut look_at = Instant::now();
        while !stop.is_cancelled() {
            let worked = dispatcher.work(&mut look_at, look_every, &stop).await;
            let has_room = worked.unwrap_or_else(|error| {
                tracing::error!(%error, "could not look for messages to send; will retry");
                look_at = Instant::now() + RETRY_PAUSE;
                true
            });
            tokio::select! {
                () = stop.cancelled() => {}
                raised = due.raised() => match raised {
                    Raised::Keys(orgs) => dispatcher.agenda.due(&orgs),
                    Raised::All => look_at = Instant::now(),
                },
                _ = sinks.raised() => look_at = Instant::now(),
                Some((at, sink)) = noted.recv() => dispatcher.agenda.note(at, sink),
                () = dispatcher.in_flight.returned(), if !has_room => {}
                () = dispatcher.next_time() => {}
                () = tokio::time::sleep_until(look_at) => {}
            }
        }
        // All permits are back once no message is in flight.
        let _ = dispatcher.room.acquire_many(in_flight_max).await;
    }

    /// Looks at all sinks if it is time, and starts sending; returns whether there was room
    /// for everything that is due.
    async fn work(
        &mut self,
        look_at: &mut Instant,
        look_every: Duration,
        stop: &CancellationToken,
    ) -> Result<bool, StoreError> {
        if *look_at <= Instant::now() {
            self.look().await?;
            *look_at = Instant::now() + look_every;
        }
        self.agenda.advance(clock::now());
        self.start_ready(stop).await
    }

    /// Learns which sinks there are, and which of their organizations have due messages.
    async fn look(&mut self) -> Result<(), StoreError> {
        let (store, now) = (&self.context.store, clock::now());
        let open = self.agenda.learn(store.enabled_sinks().await?, now);
        let due = store.organizations_due(&open, now).await?;
        self.agenda.due(&due);
        Ok(())
    }

    /// Returns at the next time on the agenda.
    async fn next_time(&self) {
        let Some(at) = self.agenda.next() else {
            return std::future::pending().await;
        };
        let wait = u64::try_from(at.micros_since(clock::now())).unwrap_or(0);
        tokio::time::sleep(Duration::from_micros(wait)).await;
    }

    /// Starts sending due messages while there is room; returns whether there was room for
    /// all of them.
    async fn start_ready(&mut self, stop: &CancellationToken) -> Result<bool, StoreError> {
        loop {
            let ready = self.agenda.turns();
            let open: Vec<SinkId> = ready
                .iter()
                .copied()
                .filter(|sink| self.in_flight.free(sink) > 0)
                .collect();
            let mut started = 0;
            for (served, sink) in open.iter().enumerate() {
                if stop.is_cancelled() || self.room.available_permits() == 0 {
                    return Ok(false);
                }
                // Set before the claim: a sink whose claim fails has had its turn.
                self.agenda.served(*sink);
                started += self.take(*sink, open.len() - served).await?;
            }
            if started == 0 {
                return Ok(open.len() == ready.len());
            }
        }
    }

    /// Claims messages of a sink and starts sending them; returns their number. `sinks`
    /// sinks share the room that is left.
    async fn take(&mut self, sink: SinkId, sinks: usize) -> Result<usize, StoreError> {
        let share = (self.room.available_permits() / sinks).max(1);
        let max = self
            .in_flight
            .free(&sink)
            .min(u32::try_from(share).unwrap_or(u32::MAX));
        let Ok(mut permits) = Arc::clone(&self.room).try_acquire_many_owned(max) else {
            return Ok(0);
        };
        let (context, begun) = (&self.context, Instant::now());
        let lease = context.lease();
        let claimed = context
            .store
            .claim_dispatch(sink, clock::now(), lease, max, CLAIMS_MAX);
        let Some(dispatch) = claimed.await? else {
            self.agenda.done(sink);
            return Ok(0);
        };
        if dispatch.messages.len() < max as usize {
            // Later ones raise a signal, also those that wait for this one's probe.
            self.agenda.done(sink);
        }
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
                times: self.times.clone(),
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
