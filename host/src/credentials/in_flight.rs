//! One renewal at a time within the process. Callers that need the same renewal share its
//! outcome.

use super::renewer::Outcome;
use crate::store::RenewalOf;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

type Key = (RenewalOf, bool);

/// The renewals in progress.
#[derive(Debug, Default)]
pub(super) struct InFlightRenewals(Mutex<HashMap<Key, InFlightRenewal>>);

/// One renewal in progress.
#[derive(Clone, Debug)]
pub(super) struct InFlightRenewal(watch::Receiver<Option<Outcome>>);

/// Removes a renewal when it ends, also if it panics.
struct Removal {
    renewals: Arc<InFlightRenewals>,
    key: Key,
}

impl InFlightRenewals {
    /// The same renewal, if it is in progress.
    pub(super) fn join(&self, of: RenewalOf, force: bool) -> Option<InFlightRenewal> {
        self.lock().get(&(of, force)).cloned()
    }

    /// Starts a renewal, or joins the same one if another caller has just started it. The
    /// renewal runs to its end in a task of its own, even if no caller waits for it.
    pub(super) fn start(
        self: &Arc<Self>,
        of: RenewalOf,
        force: bool,
        renewal: impl Future<Output = Outcome> + Send + 'static,
    ) -> InFlightRenewal {
        let key = (of, force);
        let mut renewals = self.lock();
        if let Some(in_flight) = renewals.get(&key) {
            return in_flight.clone();
        }
        let (sender, receiver) = watch::channel(None);
        let in_flight = InFlightRenewal(receiver);
        renewals.insert(key, in_flight.clone());
        let removal = Removal {
            renewals: Arc::clone(self),
            key,
        };
        tokio::spawn(async move {
            let outcome = renewal.await;
            // Nobody may join a renewal whose outcome is known.
            drop(removal);
            sender.send_replace(Some(outcome));
        });
        in_flight
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, InFlightRenewal>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl InFlightRenewal {
    /// Waits for the outcome.
    pub(super) async fn outcome(mut self) -> Outcome {
        match self.0.wait_for(Option::is_some).await {
            Ok(outcome) => outcome.clone().unwrap_or(Outcome::Overtaken),
            Err(_) => Outcome::Unavailable {
                reason: "the renewal of the access token was interrupted".into(),
                retry_after: None,
            },
        }
    }
}

impl Drop for Removal {
    fn drop(&mut self) {
        self.renewals.lock().remove(&self.key);
    }
}
