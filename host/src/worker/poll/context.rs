//! The parts of the host that the poll worker uses.

use crate::config::PollingConfig;
use crate::credentials::Credentials;
use crate::domain::backoff::Backoff;
use crate::egress::Egress;
use crate::lock::Locks;
use crate::provider::Registry;
use crate::store::Store;
use crate::worker::parts::PartLimits;
use std::sync::Arc;
use std::time::Duration;

/// The parts of the host that the poll worker uses.
#[derive(Clone)]
pub struct PollContext {
    /// The database.
    pub store: Store,
    /// The providers that poll.
    pub registry: Arc<Registry>,
    /// Sends the requests of providers.
    pub egress: Egress,
    /// The credentials that are attached to requests.
    pub credentials: Credentials,
    /// The `[polling]` settings.
    pub config: PollingConfig,
    /// Keep two replicas from polling a service at the same time.
    pub locks: Locks,
    /// Polls that may run at the same time.
    pub polls_max: u32,
}

impl PollContext {
    /// Limits on what one transaction writes of a page.
    pub(super) fn settle_limits(&self) -> PartLimits {
        PartLimits {
            events_max: self.config.settle_events_max.usize(),
            bytes_max: self.config.settle_bytes_max.usize(),
        }
    }

    pub(super) fn lease(&self) -> Duration {
        self.config.lease_seconds.duration()
    }

    pub(super) fn backoff(&self) -> Backoff {
        Backoff {
            base: self.config.retry_base_ms.duration(),
            max: self.config.retry_max_ms.duration(),
        }
    }
}
