//! One claimed message: sends it to its sink and settles the result.

use super::context::DispatchContext;
use crate::clock;
use crate::domain::limits::{REASON_BYTES_MAX, bounded};
use crate::domain::outbox::{ClaimedMessage, LeaseOutcome};
use crate::domain::sink::SinkAddress;
use crate::domain::{SinkId, Timestamp};
use crate::measure;
use crate::secret::{SealedPlace, Secret};
use crate::sink::Sent;
use crate::store::{SealedSecret, SinkNews, SinkTarget, StoreError};
use crate::worker::patience::{WRITE_PAUSE, WRITE_TRIES_MAX, patiently};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::Instant;

/// One claimed message.
pub(super) struct DispatchJob {
    pub(super) context: Arc<DispatchContext>,
    pub(super) target: Arc<SinkTarget>,
    pub(super) message: ClaimedMessage,
    /// The start of its claim, by a monotonic clock.
    pub(super) claimed_at: Instant,
    /// Tells the dispatcher when the sink may be sent to again.
    pub(super) times: mpsc::UnboundedSender<(Timestamp, SinkId)>,
}

impl DispatchJob {
    pub(super) async fn send(self) {
        if self.claimed_at.elapsed() > self.context.fresh() {
            tracing::warn!(
                sink.id = %self.target.id, outbox.id = %self.message.id,
                "claiming a message took too long to send it; its lease will expire"
            );
            return;
        }
        let sent = match self.secrets() {
            Ok(secrets) => {
                let (sender, target) = (&self.context.sender, &self.target);
                let (org, address) = (&target.org, &target.address);
                sender
                    .send(org, address, &secrets, &self.message, clock::now())
                    .await
            }
            Err(error) => Sent::Failed {
                error,
                pause: None,
                is_for_all: false,
                counts: false,
            },
        };
        if let Err(error) = self.settle(sent).await {
            tracing::error!(
                sink.id = %self.target.id, outbox.id = %self.message.id, %error,
                "could not settle a message; it will be sent again once its lease expires"
            );
        }
    }

    /// The secrets that sign requests: at least one for a URL, none for a stream.
    fn secrets(&self) -> Result<Vec<Secret>, String> {
        let key = &self.context.master_key;
        let open = |secret: &SealedSecret| {
            key.open_secret(&secret.sealed, SealedPlace::SigningSecret(secret.id))
        };
        // A secret of an earlier master key does not open; another one may.
        let secrets: Vec<_> = self.target.secrets.iter().flat_map(open).collect();
        match self.target.address {
            SinkAddress::Http { .. } if secrets.is_empty() => {
                Err("no secret can be opened with this master key".into())
            }
            SinkAddress::Http { .. } | SinkAddress::Redis { .. } => Ok(secrets),
        }
    }

    async fn settle(&self, sent: Sent) -> Result<(), StoreError> {
        match sent {
            Sent::Taken => self.taken().await,
            Sent::Gone { error } => {
                // The sink first: once the message is put back, it could be sent again.
                self.try_note(&SinkNews::Gone {
                    error: error.clone(),
                })
                .await?;
                tracing::warn!(sink.id = %self.target.id, "an endpoint is gone; its sink is now disabled");
                self.put_back(Duration::ZERO, &error).await
            }
            Sent::Failed {
                error,
                pause,
                is_for_all,
                counts,
            } => {
                let error = bounded(&error, REASON_BYTES_MAX);
                if counts {
                    self.failed(&error, pause).await?;
                } else {
                    self.put_back(self.context.backoff().after(1, rand::random()), &error)
                        .await?;
                }
                self.blame(error, pause.filter(|_| is_for_all)).await;
                Ok(())
            }
        }
    }

    async fn taken(&self) -> Result<(), StoreError> {
        let (store, message) = (&self.context.store, &self.message);
        let org = &self.target.org;
        let outcome = persist(|| {
            let (token, start) = (message.lease_token, self.context.start);
            store.ack_message(org, message.id, token, start, clock::now())
        })
        .await?;
        match outcome {
            LeaseOutcome::Done(_) => {
                let lag = message.id.age(clock::now());
                measure::dispatched(self.target.address.kind().as_str(), lag);
                tracing::debug!(
                    sink.id = %self.target.id, outbox.id = %message.id, attempt = message.attempt,
                    "a message was accepted"
                );
            }
            LeaseOutcome::Lost | LeaseOutcome::NotFound => self.log_lost(),
        }
        self.note(&SinkNews::Success).await;
        Ok(())
    }

    /// Retries a message that the endpoint did not accept. One that was tried for too long
    /// is a dead letter.
    async fn failed(&self, error: &str, pause: Option<Duration>) -> Result<(), StoreError> {
        let (context, message) = (&self.context, &self.message);
        let wait = context.backoff().after(message.counted, rand::random());
        let wait = wait.max(pause.unwrap_or_default());
        let give_up_at = message.tried_since + context.config.give_up_seconds.duration();
        let retry_at = clock::now() + wait;
        let again = retry_at <= give_up_at;
        let outcome = persist(|| {
            let now = clock::now();
            let retry_at = again.then_some(retry_at);
            let (org, token) = (&self.target.org, message.lease_token);
            let store = &context.store;
            store.nack_message(org, message.id, token, retry_at, Some(error), now)
        })
        .await?;
        match outcome {
            LeaseOutcome::Done(_) => tracing::warn!(
                sink.id = %self.target.id, outbox.id = %message.id, attempt = message.attempt,
                again, error, "a message was not accepted"
            ),
            LeaseOutcome::Lost | LeaseOutcome::NotFound => self.log_lost(),
        }
        if again {
            self.come_back(retry_at);
        }
        Ok(())
    }

    /// Has the dispatcher look at this sink again at `at`.
    fn come_back(&self, at: Timestamp) {
        // A dispatcher that has stopped looks no more.
        let _ = self.times.send((at, self.target.id));
    }

    async fn put_back(&self, wait: Duration, error: &str) -> Result<(), StoreError> {
        let (store, org) = (&self.context.store, &self.target.org);
        let outcome =
            persist(|| store.give_back_message(org, &self.message, wait, error, clock::now()))
                .await?;
        self.come_back(clock::now() + wait);
        if !matches!(outcome, LeaseOutcome::Done(_)) {
            self.log_lost();
        }
        Ok(())
    }

    async fn blame(&self, error: String, pause: Option<Duration>) {
        let rule = self.context.rule();
        let news = SinkNews::Failure { error, pause, rule };
        if let Some(until) = self.note(&news).await {
            tracing::warn!(sink.id = %self.target.id, %until, "the circuit of a sink is open");
            self.come_back(until);
        }
    }

    /// Records the sink's health. The message is already settled, so this may fail.
    async fn note(&self, news: &SinkNews) -> Option<Timestamp> {
        match self.try_note(news).await {
            Ok(until) => until,
            Err(error) => {
                tracing::warn!(sink.id = %self.target.id, %error, "could not record the health of a sink");
                None
            }
        }
    }

    async fn try_note(&self, news: &SinkNews) -> Result<Option<Timestamp>, StoreError> {
        let store = &self.context.store;
        persist(|| store.note_sink(&self.target, news, clock::now())).await
    }

    fn log_lost(&self) {
        tracing::info!(
            sink.id = %self.target.id, outbox.id = %self.message.id, attempt = self.message.attempt,
            "a message was settled elsewhere or withdrawn while it was sent"
        );
    }
}

/// Writes down a result, with patience.
async fn persist<T, F>(write: impl FnMut() -> F) -> Result<T, StoreError>
where
    F: Future<Output = Result<T, StoreError>>,
{
    patiently(WRITE_TRIES_MAX, WRITE_PAUSE, write).await
}
