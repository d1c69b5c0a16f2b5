//! One message on its way to its sink, and what becomes of it.

use super::DispatchContext;
use crate::clock;
use crate::domain::Timestamp;
use crate::domain::limits::{REASON_BYTES_MAX, bounded};
use crate::domain::outbox::{ClaimedMessage, LeaseOutcome};
use crate::domain::sink::SinkKind;
use crate::measure;
use crate::secret::SealedPlace;
use crate::sink::{Place, Sent};
use crate::store::{SealedSecret, Signal, SinkNews, SinkTarget, StoreError};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// How often it is tried to write down what became of a message while the database is
/// away; after that its lease lapses, and it is sent again.
const TRIES_MAX: u32 = 20;
const TRY_PAUSE: Duration = Duration::from_millis(250);

pub(super) struct Parcel {
    pub(super) context: Arc<DispatchContext>,
    pub(super) target: Arc<SinkTarget>,
    pub(super) message: ClaimedMessage,
    /// When its claim began, by a clock that does not jump.
    pub(super) claimed_at: Instant,
}

impl Parcel {
    pub(super) async fn send(self) {
        if self.claimed_at.elapsed() > self.context.fresh() {
            tracing::warn!(
                sink.id = %self.target.id, outbox.id = %self.message.id,
                "claiming a message took too long to send it; its lease will lapse"
            );
            return;
        }
        let sent = match self.place() {
            Ok(place) => {
                let (sender, org) = (&self.context.sender, &self.target.org);
                sender.send(org, &place, &self.message, clock::now()).await
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
                "could not note what became of a message; it is sent again after its lease"
            );
        }
    }

    fn place(&self) -> Result<Place, String> {
        let target = &self.target;
        match (target.kind, &target.url, &target.stream) {
            (SinkKind::Http, Some(url), _) => {
                let key = &self.context.master_key;
                let open = |secret: &SealedSecret| {
                    key.open_secret(&secret.sealed, SealedPlace::SigningSecret(secret.id))
                };
                // One that was replaced with the master key need not open.
                let secrets: Vec<_> = target.secrets.iter().flat_map(open).collect();
                if secrets.is_empty() {
                    return Err("no secret can be opened with this master key".into());
                }
                Ok(Place::Http {
                    url: url.clone(),
                    secrets,
                })
            }
            (SinkKind::Redis, _, Some(stream)) => Ok(Place::Redis {
                stream: stream.clone(),
            }),
            _ => Err("the sink leads nowhere".into()),
        }
    }

    async fn settle(&self, sent: Sent) -> Result<(), StoreError> {
        match sent {
            Sent::Taken => self.taken().await,
            Sent::Gone { error } => {
                // The sink first: put back, the message could be sent once more.
                self.try_note(&SinkNews::Gone {
                    error: error.clone(),
                })
                .await?;
                tracing::warn!(sink.id = %self.target.id, "an endpoint is gone; its sink is switched off");
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
                measure::dispatched(self.target.kind.as_str(), lag);
                tracing::debug!(
                    sink.id = %self.target.id, outbox.id = %message.id, attempt = message.attempt,
                    "a message was taken"
                );
            }
            LeaseOutcome::Lost | LeaseOutcome::NotFound => self.log_lost(),
        }
        self.note(&SinkNews::Success).await;
        if self.target.is_probe {
            // Whatever waited for the circuit may go now, wherever it is claimed.
            self.context.signals.raise(Signal::Outbox);
        }
        Ok(())
    }

    /// The endpoint did not take it: later once more, or never.
    async fn failed(&self, error: &str, pause: Option<Duration>) -> Result<(), StoreError> {
        let (context, message) = (&self.context, &self.message);
        let wait = context.backoff().after(message.counted, rand::random());
        let wait = wait.max(pause.unwrap_or_default());
        let again = message.counted < context.config.attempts_max;
        let outcome = persist(|| {
            let now = clock::now();
            let retry_at = again.then(|| now + wait);
            let (org, token) = (&self.target.org, message.lease_token);
            let store = &context.store;
            store.nack_message(org, message.id, token, retry_at, Some(error), now)
        })
        .await?;
        match outcome {
            LeaseOutcome::Done(_) => tracing::warn!(
                sink.id = %self.target.id, outbox.id = %message.id, attempt = message.attempt,
                again, error, "a message was not taken"
            ),
            LeaseOutcome::Lost | LeaseOutcome::NotFound => self.log_lost(),
        }
        Ok(())
    }

    async fn put_back(&self, wait: Duration, error: &str) -> Result<(), StoreError> {
        let (store, org) = (&self.context.store, &self.target.org);
        let outcome =
            persist(|| store.give_back_message(org, &self.message, clock::now() + wait, error))
                .await?;
        if !matches!(outcome, LeaseOutcome::Done(_)) {
            self.log_lost();
        }
        Ok(())
    }

    async fn blame(&self, error: String, pause: Option<Duration>) {
        let rule = self.context.rule();
        let news = SinkNews::Failure { error, pause, rule };
        if let Some(until) = self.note(&news).await {
            tracing::warn!(sink.id = %self.target.id, %until, "nothing is sent to a sink for a while");
        }
    }

    /// What became of the message is written down already, so this may fail.
    async fn note(&self, news: &SinkNews) -> Option<Timestamp> {
        match self.try_note(news).await {
            Ok(until) => until,
            Err(error) => {
                tracing::warn!(sink.id = %self.target.id, %error, "could not note how a sink does");
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
            "a message was settled by somebody else, or withdrawn, while it was sent"
        );
    }
}

/// Until it is written, unless the database is away for too long.
async fn persist<T, F>(mut write: impl FnMut() -> F) -> Result<T, StoreError>
where
    F: Future<Output = Result<T, StoreError>>,
{
    for _ in 1..TRIES_MAX {
        match write().await {
            Err(error) if error.is_transient() => tokio::time::sleep(TRY_PAUSE).await,
            done => return done,
        }
    }
    write().await
}
