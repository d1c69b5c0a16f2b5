//! The check that the database answers and takes writes, for `/readyz` and `/metrics`.

use crate::store::{Share, Store, StoreError};
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

/// The longest time that a check waits for the database.
const CHECK_MAX: Duration = Duration::from_secs(2);

/// Asks the database. Requests that wait for an answer share the next one.
#[derive(Debug)]
pub(super) struct Pulse {
    store: Store,
    /// The start of the last check, and its result.
    last: Mutex<Option<(Instant, bool)>>,
}

impl Pulse {
    /// Asks through connections that no other work uses.
    pub(super) fn of(store: &Store) -> Self {
        Self {
            store: store.of(Share::Health),
            last: Mutex::default(),
        }
    }

    /// True if the database answers and takes writes.
    pub(super) async fn is_up(&self) -> bool {
        let arrived = Instant::now();
        let mut last = self.last.lock().await;
        if let Some((begun, is_up)) = *last
            && begun >= arrived
        {
            return is_up;
        }
        let begun = Instant::now();
        let check = timeout(CHECK_MAX, self.check()).await;
        let is_up = matches!(check, Ok(Ok(())));
        *last = Some((begun, is_up));
        is_up
    }

    async fn check(&self) -> Result<(), StoreError> {
        match self.store.ping().await {
            // Perhaps only this connection was broken: it is closed by now.
            Err(error) if error.is_away() => self.store.ping().await,
            checked => checked,
        }
    }
}
