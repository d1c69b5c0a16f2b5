//! Signals that wake workers: in this process at once, on other replicas through the
//! database.
//!
//! A signal carries no data and may be lost, so every waiter also polls. Replicas get a
//! signal at most once per `NOTIFY_PAUSE`, so that a burst costs the database next to
//! nothing.

use crate::store::{Signal, Store};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

/// The shortest time between two signals of one kind to other replicas.
const NOTIFY_PAUSE: Duration = Duration::from_millis(25);
/// The pause before listening again after the connection was lost.
const LISTEN_RETRY: Duration = Duration::from_secs(1);

/// The signals of this process. Cheap to clone; clones share everything.
#[derive(Clone, Debug, Default)]
pub struct Signals(Arc<Rooms>);

#[derive(Debug, Default)]
struct Rooms {
    inbox: Room,
    outbox: Room,
    routes: Room,
    polls: Room,
}

#[derive(Debug)]
struct Room {
    raised: watch::Sender<u64>,
    outgoing: Notify,
}

impl Default for Room {
    fn default() -> Self {
        Self {
            raised: watch::Sender::new(0),
            outgoing: Notify::new(),
        }
    }
}

/// Waits for one kind of signal. Sees every signal since its creation.
#[derive(Debug)]
pub struct Waiter(watch::Receiver<u64>);

impl Waiter {
    /// Returns once a signal has been raised since the last return.
    pub async fn raised(&mut self) {
        if self.0.changed().await.is_err() {
            // The signals are dropped, so the process is about to exit.
            std::future::pending::<()>().await;
        }
    }
}

impl Signals {
    fn room(&self, signal: Signal) -> &Room {
        match signal {
            Signal::Inbox => &self.0.inbox,
            Signal::Outbox => &self.0.outbox,
            Signal::Routes => &self.0.routes,
            Signal::Polls => &self.0.polls,
        }
    }

    /// Wakes the waiters of this process at once, and those of other replicas soon after.
    pub fn raise(&self, signal: Signal) {
        self.wake(signal);
        self.room(signal).outgoing.notify_one();
    }

    fn wake(&self, signal: Signal) {
        self.room(signal)
            .raised
            .send_modify(|count| *count = count.wrapping_add(1));
    }

    /// A waiter for one kind of signal.
    pub fn waiter(&self, signal: Signal) -> Waiter {
        Waiter(self.room(signal).raised.subscribe())
    }

    /// Carries signals between this process and other replicas until `stop`.
    pub async fn relay(self, store: Store, stop: CancellationToken) {
        if store.is_embedded() {
            return;
        }
        let send = Signal::ALL.map(|signal| self.clone().send_all(signal, store.clone()));
        let receive = self.clone().receive_all(store.clone());
        let [inbox, outbox, routes, polls] = send;
        tokio::select! {
            () = stop.cancelled() => {}
            () = async { tokio::join!(inbox, outbox, routes, polls, receive); } => {}
        }
    }

    async fn send_all(self, signal: Signal, store: Store) {
        loop {
            self.room(signal).outgoing.notified().await;
            if let Err(error) = store.notify(signal).await {
                tracing::debug!(?signal, %error, "could not signal other replicas; they will poll");
            }
            tokio::time::sleep(NOTIFY_PAUSE).await;
        }
    }

    async fn receive_all(self, store: Store) {
        loop {
            match self.receive(&store).await {
                Ok(()) => return,
                Err(error) => {
                    tracing::warn!(%error, "lost the signals of other replicas; will listen again")
                }
            }
            tokio::time::sleep(LISTEN_RETRY).await;
            // Signals may have been missed in the meantime.
            Signal::ALL.into_iter().for_each(|signal| self.wake(signal));
        }
    }

    async fn receive(&self, store: &Store) -> Result<(), crate::store::StoreError> {
        let Some(mut listener) = store.listen().await? else {
            return Ok(());
        };
        loop {
            match listener.recv().await? {
                Some(signal) => self.wake(signal),
                None => Signal::ALL.into_iter().for_each(|signal| self.wake(signal)),
            }
        }
    }
}
