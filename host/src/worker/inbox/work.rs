//! State that the parts of the inbox worker share: deliveries in flight and active lanes.

use super::in_flight::InFlight;
use super::lanes::Lanes;
use crate::config::InboxConfig;
use crate::domain::WorkerId;
use crate::store::Returned;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// The state of the inbox worker of this process.
pub(super) struct Work {
    /// Under this id the process holds deliveries.
    pub(super) worker: WorkerId,
    pub(super) in_flight: Arc<InFlight>,
    lanes: Mutex<Lanes>,
    /// Held during a claim, so that nobody takes its deliveries for forgotten ones.
    pub(super) claiming: tokio::sync::Mutex<()>,
    /// Raised when deliveries are back in their lanes.
    pub(super) returned: Notify,
}

impl Work {
    pub(super) fn new(config: &InboxConfig) -> Self {
        let (rows, bytes) = (config.in_flight_max, config.in_flight_bytes_max);
        Self {
            worker: WorkerId::new(),
            in_flight: InFlight::new(rows.usize(), bytes.usize()),
            lanes: Mutex::default(),
            claiming: tokio::sync::Mutex::default(),
            returned: Notify::new(),
        }
    }

    /// The lanes that have work. Do not hold them across a wait.
    pub(super) fn lanes(&self) -> MutexGuard<'_, Lanes> {
        // A lane that is missing after a panic is found again by the next look.
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Deliveries are back in their lanes.
    pub(super) fn returned(&self, returned: &[Returned]) {
        if !returned.is_empty() {
            self.lanes().rewind(returned);
            self.returned.notify_one();
        }
    }
}
