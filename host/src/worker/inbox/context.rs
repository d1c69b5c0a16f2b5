//! The parts of the host that the inbox worker uses.

use crate::config::InboxConfig;
use crate::domain::Timestamp;
use crate::domain::backoff::Backoff;
use crate::provider::Registry;
use crate::store::Store;
use crate::worker::parts::PartLimits;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// The parts of the host that the inbox worker uses.
#[derive(Clone)]
pub struct InboxContext {
    /// The database.
    pub store: Store,
    /// The providers that parse and filter.
    pub registry: Arc<Registry>,
    /// The `[inbox]` settings.
    pub config: InboxConfig,
    /// Guest instances that may run at the same time.
    pub instances: usize,
    /// Cancelled shortly before the process exits: unfinished deliveries are given back.
    pub release: CancellationToken,
}

impl InboxContext {
    pub(super) fn backoff(&self) -> Backoff {
        Backoff {
            base: self.config.retry_base_ms.duration(),
            max: self.config.retry_max_ms.duration(),
        }
    }

    /// True if an attempt that failed at `now` is followed by another one.
    pub(super) fn retries(&self, since: Timestamp, now: Timestamp) -> bool {
        now < since + self.config.retry_seconds_max.duration()
    }

    /// Limits on what one transaction settles.
    pub(super) fn settle_limits(&self) -> PartLimits {
        PartLimits {
            events_max: self.config.settle_events_max.usize(),
            bytes_max: self.config.settle_bytes_max.usize(),
        }
    }

    pub(super) fn lease(&self) -> Duration {
        self.config.lease_seconds.duration()
    }
}
