//! The parts of the host that the dispatcher uses.

use crate::config::SinksConfig;
use crate::domain::backoff::Backoff;
use crate::domain::sink::CircuitRule;
use crate::secret::MasterKey;
use crate::sink::Sender;
use crate::store::Store;
use std::sync::Arc;
use std::time::Duration;

/// The parts of the host that the dispatcher uses.
pub struct DispatchContext {
    /// The database.
    pub store: Store,
    /// Sends requests and stream entries.
    pub sender: Sender,
    /// Opens the secrets that sign requests.
    pub master_key: Arc<MasterKey>,
    /// The `[sinks]` settings.
    pub config: SinksConfig,
    /// The time in which a run must be started once a sink has accepted its message.
    pub start: Duration,
}

impl DispatchContext {
    pub(super) fn lease(&self) -> Duration {
        self.config.lease_seconds.duration()
    }

    /// The time after its claim in which a message may still be sent. Sending then ends
    /// before another dispatcher may claim the message.
    pub(super) fn fresh(&self) -> Duration {
        self.lease()
            .saturating_sub(self.config.timeout_ms.duration())
    }

    pub(super) fn backoff(&self) -> Backoff {
        Backoff {
            base: self.config.retry_base_ms.duration(),
            max: self.config.retry_max_ms.duration(),
        }
    }

    pub(super) fn rule(&self) -> CircuitRule {
        CircuitRule {
            failures: self.config.circuit_failures.i32(),
            pause: self.config.circuit_seconds.duration(),
        }
    }
}
