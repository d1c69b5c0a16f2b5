//! Consumers that wait for messages, in one line per organization.
//!
//! Owns: whose turn it is to look. A signal calls the first consumer of the organization's
//! line; the others wait on. A consumer that leaves after its call, and may have left
//! messages behind, calls the next one.
//! Never does: claim. Signals may be lost and retries raise none, so one look for all
//! organizations together calls the lines of those that have messages.

use crate::clock;
use crate::domain::OrgId;
use crate::signals::Raised;
use crate::store::Store;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// The longest time between two looks for the organizations of all waiting consumers.
const LOOK_PAUSE: Duration = Duration::from_secs(1);

/// The lines of a process.
#[derive(Debug, Default)]
pub struct Lines(Mutex<HashMap<OrgId, Line>>);

#[derive(Debug, Default)]
struct Line {
    bell: Arc<Notify>,
    places: usize,
}

impl Lines {
    fn lines(&self) -> MutexGuard<'_, HashMap<OrgId, Line>> {
        // No change can be left half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place in the line of an organization. Its consumer misses no later signal.
    pub(super) fn join(self: &Arc<Self>, org: OrgId) -> Place {
        let mut lines = self.lines();
        let line = lines.entry(org.clone()).or_default();
        line.places += 1;
        Place {
            bell: Arc::clone(&line.bell),
            lines: Arc::clone(self),
            org,
            owes_call: false,
        }
    }

    /// Calls the first consumer in the line of an organization.
    fn call(&self, org: &OrgId) {
        if let Some(line) = self.lines().get(org) {
            line.bell.notify_one();
        }
    }

    /// Calls consumers whose organization has messages, until `stop`.
    pub async fn serve(self: Arc<Self>, store: Store, stop: CancellationToken) {
        tokio::select! {
            () = stop.cancelled() => {}
            () = self.follow(&store) => {}
            () = self.look_often(&store) => {}
        }
    }

    async fn follow(&self, store: &Store) {
        let mut signals = store.signals().outbox();
        loop {
            match signals.raised().await {
                Raised::Keys(orgs) => orgs.iter().for_each(|org| self.call(org)),
                Raised::All => self.look(store).await,
            }
        }
    }

    async fn look_often(&self, store: &Store) {
        loop {
            tokio::time::sleep(LOOK_PAUSE).await;
            self.look(store).await;
        }
    }

    /// One look for all lines.
    async fn look(&self, store: &Store) {
        let waiting: Vec<OrgId> = self.lines().keys().cloned().collect();
        match store.organizations_due(&waiting, clock::now()).await {
            Ok(due) => due.iter().for_each(|org| self.call(org)),
            Err(error) => {
                tracing::debug!(%error, "could not look for messages of waiting consumers");
            }
        }
    }
}

/// A consumer's place in a line, which it leaves when this is dropped.
#[derive(Debug)]
pub(super) struct Place {
    lines: Arc<Lines>,
    org: OrgId,
    bell: Arc<Notify>,
    /// It was called and has not looked yet.
    owes_call: bool,
}

impl Place {
    /// Returns once it is this consumer's turn to look.
    pub(super) async fn called(&mut self) {
        self.bell.notified().await;
        self.owes_call = true;
    }

    /// The consumer has looked. `may_be_more` says that it left messages behind.
    pub(super) fn looked(&mut self, may_be_more: bool) {
        self.owes_call = false;
        if may_be_more {
            self.bell.notify_one();
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if self.owes_call {
            self.bell.notify_one();
        }
        let mut lines = self.lines.lines();
        if let Some(line) = lines.get_mut(&self.org) {
            line.places -= 1;
            if line.places == 0 {
                lines.remove(&self.org);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::pin::pin;
    use std::task::{Context, Waker};

    fn org(name: &str) -> OrgId {
        name.parse().unwrap()
    }

    fn is_called(place: &mut Place) -> bool {
        let mut context = Context::from_waker(Waker::noop());
        pin!(place.called()).poll(&mut context).is_ready()
    }

    #[test]
    fn a_signal_calls_one_consumer_of_its_organization() {
        let lines = Arc::new(Lines::default());
        let mut places = [(); 3].map(|()| lines.join(org("acme")));
        let mut other = lines.join(org("other"));
        lines.call(&org("acme"));
        let called = places
            .iter_mut()
            .filter_map(|place| is_called(place).then_some(()));
        assert_eq!(called.count(), 1);
        assert!(!is_called(&mut other));
        lines.call(&org("nobody"));
        drop((places, other));
        assert!(lines.lines().is_empty());
    }

    #[test]
    fn a_consumer_that_leaves_messages_behind_calls_the_next_one() {
        let lines = Arc::new(Lines::default());
        let [mut first, mut second] = [(); 2].map(|()| lines.join(org("acme")));
        lines.call(&org("acme"));
        assert!(is_called(&mut first));
        first.looked(false);
        assert!(!is_called(&mut second));
        lines.call(&org("acme"));
        assert!(is_called(&mut first));
        first.looked(true);
        assert!(is_called(&mut second));
        second.looked(false);
        lines.call(&org("acme"));
        assert!(is_called(&mut second));
        // Its connection broke before it looked.
        drop(second);
        assert!(is_called(&mut first));
    }

    #[test]
    fn a_signal_that_comes_while_a_consumer_looks_is_kept() {
        let lines = Arc::new(Lines::default());
        let mut place = lines.join(org("acme"));
        lines.call(&org("acme"));
        place.looked(false);
        assert!(is_called(&mut place));
    }
}
