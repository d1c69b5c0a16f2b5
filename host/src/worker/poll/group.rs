//! One claimed group, from its claim to its release.

use super::caches::Caches;
use super::keeper::Keeper;
use super::outcome::Ended;
use super::{PollContext, TRIES_MAX, TRY_PAUSE};
use crate::clock;
use crate::lock::LockGuard;
use crate::measure;
use crate::store::{ClaimedPoll, PollDisposition};
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

/// One claimed group.
pub(super) struct Poll {
    pub(super) context: Arc<PollContext>,
    pub(super) caches: Arc<Caches>,
    pub(super) claim: ClaimedPoll,
    /// Polls that failed in a row before this one; none once a page is settled.
    pub(super) failures: AtomicI32,
    /// Cancelled when the process is about to end, and when the claim is lost.
    pub(super) halt: CancellationToken,
}

impl Poll {
    /// Polls it, and writes down what came of it.
    pub(super) async fn run(self, lock: Option<LockGuard>) {
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
        let ended = if written { &ended } else { &Ended::Lost };
        measure::polled(&self.claim.provider, ended.as_str());
        if !written {
            self.log_lost();
        }
    }

    fn log_lost(&self) {
        tracing::warn!(
            group.id = %self.claim.group,
            provider.id = self.claim.provider,
            "a poll's claim no longer holds; nothing of it was written"
        );
    }

    /// Writes down why there is no page; false if its claim no longer holds.
    async fn note(&self, failed: &PollDisposition) -> bool {
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
    fn log(&self, failed: &PollDisposition) {
        let (group, provider) = (self.claim.group, self.claim.provider.as_str());
        let attempt = self.failures.load(Ordering::Relaxed) + 1;
        match failed {
            PollDisposition::GiveBack { .. } => {
                tracing::debug!(group.id = %group, provider.id = provider, "a poll was given back");
            }
            PollDisposition::Retry { at, .. } => {
                tracing::warn!(group.id = %group, provider.id = provider, attempt, next = %at, "a poll failed");
            }
            PollDisposition::RateLimited { until, .. } => {
                tracing::info!(group.id = %group, provider.id = provider, until = %until, "a service wants to be left alone");
            }
            PollDisposition::Unauthorized { .. } => {
                tracing::warn!(group.id = %group, provider.id = provider, integration.id = %self.claim.integration,
                    "a credential was refused; polling stops until there is a new one");
            }
        }
    }

    /// Nothing was tried, or nothing could be: somebody may try after `pause`.
    pub(super) fn give_back(&self, pause: Duration) -> Ended {
        let at = clock::now() + pause;
        Ended::Failed(PollDisposition::GiveBack { at })
    }
}
