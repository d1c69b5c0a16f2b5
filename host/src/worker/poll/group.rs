//! One claimed group, from its claim to its release.

use super::caches::Caches;
use super::context::PollContext;
use super::lease_keeper::LeaseKeeper;
use super::shares::PollSlot;
use crate::clock;
use crate::lock::LockGuard;
use crate::measure;
use crate::store::{ClaimedPoll, PollDisposition};
use crate::worker::patience::{WRITE_PAUSE, WRITE_TRIES_MAX, patiently};
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
    /// Its share of the polls that may run.
    pub(super) slot: PollSlot,
    /// Consecutive failures before this poll; zero once a page is settled.
    pub(super) failures: AtomicI32,
    /// Cancelled when the process is about to exit, and when the claim is lost.
    pub(super) halt: CancellationToken,
}

impl Poll {
    /// Polls the group and writes down the result.
    pub(super) async fn run(self, lock: Option<LockGuard>) {
        let keeper = LeaseKeeper::start(&self.context, &self.claim, lock, self.halt.clone());
        let span = tracing::debug_span!("poll", group.id = %self.claim.group, provider.id = self.claim.provider);
        let ended = self.pages().instrument(span).await;
        let is_held = match &ended {
            Ok(is_held) => *is_held,
            Err(disposition) => self.write_down(disposition).await,
        };
        // Not earlier: another replica would ask the service again.
        keeper.stop().await;
        let result = match &ended {
            _ if !is_held => "lost",
            Ok(_) => "settled",
            Err(disposition) => label(disposition),
        };
        measure::polled(&self.claim.provider, result);
        if !is_held {
            tracing::warn!(
                group.id = %self.claim.group,
                provider.id = self.claim.provider,
                "a poll lost its claim; nothing of it was written"
            );
        }
    }

    /// Writes down why there is no page; returns whether the claim still held.
    async fn write_down(&self, disposition: &PollDisposition) -> bool {
        let store = &self.context.store;
        let written = patiently(WRITE_TRIES_MAX, WRITE_PAUSE, || {
            store.fail_poll(&self.claim, disposition, clock::now())
        })
        .await;
        match written {
            Ok(is_held) => {
                if is_held {
                    self.log(disposition);
                }
                is_held
            }
            Err(error) => {
                tracing::error!(group.id = %self.claim.group, %error, "could not write down that a poll failed; its lease will expire");
                true
            }
        }
    }

    /// Logs why there is no page, without texts of a service or a guest.
    fn log(&self, disposition: &PollDisposition) {
        let (group, provider) = (self.claim.group, self.claim.provider.as_str());
        let attempt = self.failures.load(Ordering::Relaxed) + 1;
        match disposition {
            PollDisposition::GiveBack { .. } => {
                tracing::debug!(group.id = %group, provider.id = provider, "a poll was given back");
            }
            PollDisposition::Retry { at, .. } => {
                tracing::warn!(group.id = %group, provider.id = provider, attempt, next = %at, "a poll failed");
            }
            PollDisposition::RateLimited { until, .. } => {
                tracing::info!(group.id = %group, provider.id = provider, until = %until, "a service asked for a pause");
            }
            PollDisposition::Unauthorized { .. } => {
                tracing::warn!(group.id = %group, provider.id = provider, integration.id = %self.claim.integration,
                    "a credential was refused; polling stops until it is replaced");
            }
        }
    }

    /// Gives the group back: nothing was tried, or nothing could be. It is due again after
    /// `pause`.
    pub(super) fn give_back(&self, pause: Duration) -> PollDisposition {
        let at = clock::now() + pause;
        PollDisposition::GiveBack { at }
    }
}

/// The result of a poll without a page, as `/metrics` labels it.
const fn label(disposition: &PollDisposition) -> &'static str {
    match disposition {
        PollDisposition::Retry { .. } => "failed",
        PollDisposition::RateLimited { .. } => "rate_limited",
        PollDisposition::Unauthorized { .. } => "unauthorized",
        PollDisposition::GiveBack { .. } => "given_back",
    }
}
