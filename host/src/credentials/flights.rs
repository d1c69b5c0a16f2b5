//! One renewal at a time within the process: whoever wants the same waits for it and
//! shares what came of it.

use super::renewer::Outcome;
use crate::store::RenewalOf;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

type Key = (RenewalOf, bool);

/// The renewals that are under way.
#[derive(Debug, Default)]
pub(super) struct InFlightRenewals(Mutex<HashMap<Key, Flight>>);

/// One renewal that is under way.
#[derive(Clone, Debug)]
pub(super) struct Flight(watch::Receiver<Option<Outcome>>);

/// Ends a flight, also if its renewal panics.
struct Landing {
    flights: Arc<InFlightRenewals>,
    key: Key,
}

impl InFlightRenewals {
    /// The renewal of the same that is under way.
    pub(super) fn join(&self, of: RenewalOf, force: bool) -> Option<Flight> {
        self.lock().get(&(of, force)).cloned()
    }

    /// Starts a renewal, or joins one that somebody else has just started. It runs to
    /// its end in a task of its own, also if nobody waits any more.
    pub(super) fn start(
        self: &Arc<Self>,
        of: RenewalOf,
        force: bool,
        renewal: impl Future<Output = Outcome> + Send + 'static,
    ) -> Flight {
        let key = (of, force);
        let mut flights = self.lock();
        if let Some(flight) = flights.get(&key) {
            return flight.clone();
        }
        let (sender, receiver) = watch::channel(None);
        let flight = Flight(receiver);
        flights.insert(key, flight.clone());
        let landing = Landing {
            flights: Arc::clone(self),
            key,
        };
        tokio::spawn(async move {
            let outcome = renewal.await;
            // Nobody may join any more once what came of it is known.
            drop(landing);
            sender.send_replace(Some(outcome));
        });
        flight
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, Flight>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Flight {
    /// What came of it.
    pub(super) async fn landed(mut self) -> Outcome {
        match self.0.wait_for(Option::is_some).await {
            Ok(outcome) => outcome.clone().unwrap_or(Outcome::Overtaken),
            Err(_) => Outcome::Unavailable {
                reason: "the renewal of the access token broke off".into(),
                retry_after: None,
            },
        }
    }
}

impl Drop for Landing {
    fn drop(&mut self) {
        self.flights.lock().remove(&self.key);
    }
}
