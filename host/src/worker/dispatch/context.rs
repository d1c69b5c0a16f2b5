//! The parts of the host that the dispatcher uses.

use crate::config::SinksConfig;
use crate::domain::backoff::Backoff;
use crate::domain::sink::CircuitRule;
use crate::secret::MasterKey;
use crate::signals::Signals;
use crate::sink::Sender;
use crate::store::Store;
use std::sync::Arc;
use std::time::Duration;

/// The parts of the host that the dispatcher uses.
pub struct DispatchContext {
    /// The database.
    pub store: Store,
    /// Wakes the dispatcher.
    pub signals: Signals,
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
        Duration::from_secs(self.config.lease_seconds)
    }

    /// The time after its claim in which a message may still be sent. Sending then ends
    /// before another dispatcher may claim the message.
    pub(super) fn fresh(&self) -> Duration {
        self.lease()
            .saturating_sub(Duration::from_millis(self.config.timeout_ms))
    }

    pub(super) fn backoff(&self) -> Backoff {
        Backoff {
            base: Duration::from_millis(self.config.retry_base_ms),
            max: Duration::from_millis(self.config.retry_max_ms),
        }
    }

    pub(super) fn rule(&self) -> CircuitRule {
        CircuitRule {
            failures: self.config.circuit_failures,
            pause: Duration::from_secs(self.config.circuit_seconds),
        }
    }
}
