//! Carries signals between this process and other replicas.
//!
//! Owns: the pace. Replicas get the signals of a topic at most once per `NOTIFY_PAUSE`, so
//! that a burst costs the database next to nothing.
//! Never does: promise anything. What is lost is found by polling.

use crate::signals::{Signals, Topic};
use crate::store::{Store, StoreError};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// The shortest time between two notifications of one topic.
const NOTIFY_PAUSE: Duration = Duration::from_millis(25);
/// The pause before listening again after the connection was lost.
const LISTEN_RETRY: Duration = Duration::from_secs(1);

/// Carries the signals of `store` until `stop`.
pub(super) async fn relay(store: Store, stop: CancellationToken) {
    if store.is_embedded() {
        return;
    }
    let [inbox, outbox, routes, polls, sinks] = Topic::ALL.map(|topic| send_all(&store, topic));
    tokio::select! {
        () = stop.cancelled() => {}
        () = async { tokio::join!(inbox, outbox, routes, polls, sinks, receive_all(&store)); } => {}
    }
}

async fn send_all(store: &Store, topic: Topic) {
    loop {
        let payloads = store.signals().outgoing(topic).await;
        if let Err(error) = store.notify(topic, &payloads).await {
            tracing::debug!(?topic, %error, "could not signal other replicas; they will poll");
        }
        tokio::time::sleep(NOTIFY_PAUSE).await;
    }
}

async fn receive_all(store: &Store) {
    let signals = store.signals();
    loop {
        match receive(store, signals).await {
            Ok(()) => return,
            Err(error) => {
                tracing::warn!(%error, "lost the signals of other replicas; will listen again");
            }
        }
        tokio::time::sleep(LISTEN_RETRY).await;
    }
}

async fn receive(store: &Store, signals: &Signals) -> Result<(), StoreError> {
    let Some(mut listener) = store.listen().await? else {
        return Ok(());
    };
    // Nobody listened until now.
    signals.missed();
    loop {
        match listener.recv().await? {
            Some((topic, payload)) => signals.heard(topic, &payload),
            None => signals.missed(),
        }
    }
}
