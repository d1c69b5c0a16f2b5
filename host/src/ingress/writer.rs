//! The writer: commits the deliveries of concurrent requests together, and answers each
//! request after its commit.
//!
//! A batch is everything that arrived during the last commit. There is no timer: a lone
//! request waits for nothing, and a burst shares its flushes. One writer is enough; a
//! second one gains little, even on a slow disk.
//!
//! While the database is away, senders are told so at once, and the writer asks the
//! database from time to time whether it is back.

use crate::config::IngressConfig;
use crate::http::Problem;
use crate::store::{PackedDelivery, Store, StoreError, Stored};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

/// The number of tries after which the senders of a batch are told that it failed.
const TRIES_MAX: u32 = 5;
/// The pause before the second try; it doubles.
const RETRY_PAUSE: Duration = Duration::from_millis(50);
/// No further try begins after this.
const RETRY_MAX: Duration = Duration::from_secs(2);
/// The same if the server takes no writes: another server may have its address by now, but
/// this one does not change its mind.
const READ_ONLY_MAX: Duration = Duration::from_millis(200);

/// The pause between two pings of a database that is away.
const AWAY_PAUSE: Duration = Duration::from_millis(250);

/// A delivery was not committed. The sender has to send it again.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The queue is full.
    #[error("too many deliveries wait to be committed")]
    Full,
    /// The database failed, or the process is shutting down.
    #[error("the delivery could not be committed")]
    Failed,
}

impl From<WriteError> for Problem {
    fn from(error: WriteError) -> Self {
        Self::unavailable(error.to_string()).because(match error {
            WriteError::Full => "queue_full",
            WriteError::Failed => "not_committed",
        })
    }
}

struct Job {
    delivery: PackedDelivery,
    bytes: usize,
    answer: oneshot::Sender<Result<Stored, WriteError>>,
}

/// A handle to the writer. The writer ends when the last handle is dropped.
#[derive(Clone, Debug)]
pub struct InboxWriter {
    queue: mpsc::Sender<Job>,
    state: Arc<State>,
    queue_bytes_max: usize,
}

/// The state that the writer shares with its handles.
#[derive(Debug, Default)]
struct State {
    queued_bytes: AtomicUsize,
    /// The last commit failed because the database was away.
    is_away: AtomicBool,
}

/// The writer's own half.
pub struct WriterTask {
    store: Store,
    jobs: mpsc::Receiver<Job>,
    state: Arc<State>,
    batch_max: usize,
}

impl InboxWriter {
    /// A writer and the task to spawn for it.
    pub fn new(store: Store, config: &IngressConfig) -> (Self, WriterTask) {
        let (queue, jobs) = mpsc::channel(config.queue_deliveries_max.usize());
        let state = Arc::new(State::default());
        let writer = Self {
            queue,
            state: Arc::clone(&state),
            queue_bytes_max: config.queue_bytes_max.usize(),
        };
        let task = WriterTask {
            store,
            jobs,
            state,
            batch_max: config.batch_deliveries_max.usize(),
        };
        (writer, task)
    }

    /// Returns once the delivery is committed.
    ///
    /// # Errors
    /// If it is not committed. Fails at once if the queue is full or the database is known
    /// to be away.
    pub async fn write(&self, delivery: PackedDelivery) -> Result<Stored, WriteError> {
        if self.state.is_away.load(Ordering::Acquire) {
            return Err(WriteError::Failed);
        }
        let bytes = delivery.bytes();
        let queued = self.state.queued_bytes.fetch_add(bytes, Ordering::Relaxed);
        let (answer, answered) = oneshot::channel();
        let job = Job {
            delivery,
            bytes,
            answer,
        };
        // An empty queue takes a delivery of any size.
        let is_full = queued > 0 && queued + bytes > self.queue_bytes_max;
        let sent = match is_full {
            true => Err(WriteError::Full),
            false => self.queue.try_send(job).map_err(|error| match error {
                TrySendError::Full(_) => WriteError::Full,
                // The writer has ended, and the process ends with it.
                TrySendError::Closed(_) => WriteError::Failed,
            }),
        };
        if let Err(error) = sent {
            self.state.queued_bytes.fetch_sub(bytes, Ordering::Relaxed);
            return Err(error);
        }
        answered.await.unwrap_or(Err(WriteError::Failed))
    }
}

impl WriterTask {
    /// Commits until every handle is dropped and the queue is empty.
    pub async fn run(mut self) {
        let mut jobs = Vec::with_capacity(self.batch_max);
        while self.jobs.recv_many(&mut jobs, self.batch_max).await > 0 {
            self.commit(&mut jobs).await;
            if self.state.is_away.load(Ordering::Acquire) {
                self.wait_until_back().await;
            }
        }
    }

    async fn commit(&self, jobs: &mut Vec<Job>) {
        let bytes: usize = jobs.iter().map(|job| job.bytes).sum();
        let (deliveries, answers): (Vec<_>, Vec<_>) =
            jobs.drain(..).map(|job| (job.delivery, job.answer)).unzip();
        let results = self.receive(&deliveries).await;
        self.state.queued_bytes.fetch_sub(bytes, Ordering::Relaxed);
        for (answer, result) in answers.into_iter().zip(results) {
            // A sender that hung up gets its answer when it sends again.
            let _ = answer.send(result);
        }
    }

    /// Returns once the database answers, or once every handle is dropped. Fails every
    /// delivery that comes meanwhile.
    async fn wait_until_back(&mut self) {
        let store = self.store.clone();
        let back = async {
            while store.ping().await.is_err() {
                tokio::time::sleep(AWAY_PAUSE).await;
                store.discard_broken().await;
            }
        };
        tokio::pin!(back);
        loop {
            let job = tokio::select! {
                () = &mut back => break,
                job = self.jobs.recv() => job,
            };
            let Some(job) = job else { break };
            self.state
                .queued_bytes
                .fetch_sub(job.bytes, Ordering::Relaxed);
            let _ = job.answer.send(Err(WriteError::Failed));
        }
        self.state.is_away.store(false, Ordering::Release);
    }

    /// Retries a transient error for a while: a restarted database breaks every
    /// connection, and senders need not notice. A value that the database refuses fails
    /// only the delivery that holds it.
    async fn receive(&self, deliveries: &[PackedDelivery]) -> Vec<Result<Stored, WriteError>> {
        let received = self.receive_patiently(deliveries).await;
        let is_away = received.as_ref().is_err_and(StoreError::is_away);
        self.state.is_away.store(is_away, Ordering::Release);
        match received {
            Ok(stored) => stored.into_iter().map(Ok).collect(),
            Err(error) if error.is_transient() || deliveries.len() == 1 => {
                tracing::error!(%error, deliveries = deliveries.len(), "could not commit deliveries; their senders have been told");
                deliveries.iter().map(|_| Err(WriteError::Failed)).collect()
            }
            Err(_) => {
                let mut results = Vec::with_capacity(deliveries.len());
                for delivery in deliveries {
                    results.extend(Box::pin(self.receive(std::slice::from_ref(delivery))).await);
                }
                results
            }
        }
    }

    async fn receive_patiently(
        &self,
        deliveries: &[PackedDelivery],
    ) -> Result<Vec<Stored>, StoreError> {
        let begun = Instant::now();
        let mut pause = RETRY_PAUSE;
        for _ in 1..TRIES_MAX {
            match self.store.receive(deliveries).await {
                Err(error) if error.is_transient() && begun.elapsed() < retry_max(&error) => {
                    tracing::warn!(%error, deliveries = deliveries.len(), "could not commit deliveries; trying again");
                }
                outcome => return outcome,
            }
            self.store.discard_broken().await;
            tokio::time::sleep(pause).await;
            pause *= 2;
        }
        self.store.receive(deliveries).await
    }
}

fn retry_max(error: &StoreError) -> Duration {
    match error.is_read_only() {
        true => READ_ONLY_MAX,
        false => RETRY_MAX,
    }
}
