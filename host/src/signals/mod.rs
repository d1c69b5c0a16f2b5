//! Signals that wake workers and consumers: in this process at once, on other replicas
//! through the database.
//!
//! Owns: what a transaction may concern, and who waits for it. The store raises signals
//! after each commit; `host/src/app/relay.rs` carries them between replicas.
//! Never does: rest anything on a signal. It may be lost, so every waiter also polls.

mod payload;
mod room;

pub use room::{Raised, Waiter};

use crate::domain::OrgId;
use room::Room;
use std::sync::Arc;
use uuid::Uuid;

/// The kind of work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Topic {
    /// Deliveries, by lane.
    Inbox,
    /// Messages, by organization.
    Outbox,
    /// Triggers, integrations and schedules.
    Routes,
    /// Poll groups.
    Polls,
    /// Sinks that were created, changed or deleted.
    Sinks,
}

impl Topic {
    /// Every topic.
    pub const ALL: [Self; 5] = [
        Self::Inbox,
        Self::Outbox,
        Self::Routes,
        Self::Polls,
        Self::Sinks,
    ];
}

/// Work that a transaction made due.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Signal {
    /// A delivery is due: of this lane, or of any.
    Inbox(Option<Uuid>),
    /// A message of an organization is due, or goes another way.
    Outbox(OrgId),
    /// Triggers, integrations or schedules have changed.
    Routes,
    /// A poll group is due.
    Polls,
    /// The sink of an organization has changed, which concerns its messages as well.
    Sink(OrgId),
}

/// The signals of this process. Cheap to clone; clones share everything.
#[derive(Clone, Debug, Default)]
pub struct Signals(Arc<Rooms>);

/// A room for each topic. Routes, polls and sinks are raised without keys.
#[derive(Debug)]
struct Rooms {
    /// Names this process, which ignores its own signals when they come back.
    sender: Uuid,
    inbox: Room<Uuid>,
    outbox: Room<OrgId>,
    routes: Room<Uuid>,
    polls: Room<Uuid>,
    sinks: Room<Uuid>,
}

impl Default for Rooms {
    fn default() -> Self {
        Self {
            sender: Uuid::new_v4(),
            inbox: Room::default(),
            outbox: Room::default(),
            routes: Room::default(),
            polls: Room::default(),
            sinks: Room::default(),
        }
    }
}

impl Signals {
    /// Wakes the waiters of this process at once, and those of other replicas soon after.
    pub fn raise(&self, signal: Signal) {
        match signal {
            Signal::Inbox(lane) => self.0.inbox.raise(lane),
            Signal::Outbox(org) => self.0.outbox.raise(Some(org)),
            Signal::Routes => self.0.routes.raise(None),
            Signal::Polls => self.0.polls.raise(None),
            Signal::Sink(org) => {
                self.0.sinks.raise(None);
                self.0.outbox.raise(Some(org));
            }
        }
    }

    /// Waits for deliveries; yields lanes.
    pub fn inbox(&self) -> Waiter<Uuid> {
        self.0.inbox.waiter()
    }

    /// Waits for messages; yields organizations.
    pub fn outbox(&self) -> Waiter<OrgId> {
        self.0.outbox.waiter()
    }

    /// Waits for changes of triggers, integrations and schedules.
    pub fn routes(&self) -> Waiter<Uuid> {
        self.0.routes.waiter()
    }

    /// Waits for poll groups.
    pub fn polls(&self) -> Waiter<Uuid> {
        self.0.polls.waiter()
    }

    /// Waits for changes of sinks.
    pub fn sinks(&self) -> Waiter<Uuid> {
        self.0.sinks.waiter()
    }

    /// Waits for signals that this process raised, and returns them as payloads for other
    /// replicas.
    pub async fn outgoing(&self, topic: Topic) -> Vec<String> {
        let sender = self.0.sender;
        match topic {
            Topic::Inbox => payload::encode(sender, &self.0.inbox.outgoing().await),
            Topic::Outbox => payload::encode(sender, &self.0.outbox.outgoing().await),
            Topic::Routes => payload::encode(sender, &self.0.routes.outgoing().await),
            Topic::Polls => payload::encode(sender, &self.0.polls.outgoing().await),
            Topic::Sinks => payload::encode(sender, &self.0.sinks.outgoing().await),
        }
    }

    /// Wakes the waiters of this process that a replica's payload concerns.
    pub fn heard(&self, topic: Topic, text: &str) {
        if payload::is_from(self.0.sender, text) {
            return;
        }
        match topic {
            Topic::Inbox => self.0.inbox.wake(&payload::decode(text)),
            Topic::Outbox => self.0.outbox.wake(&payload::decode(text)),
            Topic::Routes => self.0.routes.wake(&payload::decode(text)),
            Topic::Polls => self.0.polls.wake(&payload::decode(text)),
            Topic::Sinks => self.0.sinks.wake(&payload::decode(text)),
        }
    }

    /// Wakes every waiter of this process: signals of other replicas may have been missed.
    pub fn missed(&self) {
        self.0.inbox.wake(&Raised::All);
        self.0.outbox.wake(&Raised::All);
        self.0.routes.wake(&Raised::All);
        self.0.polls.wake(&Raised::All);
        self.0.sinks.wake(&Raised::All);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;
    use tokio::time::{Duration, timeout};

    fn org(name: &str) -> OrgId {
        name.parse().unwrap()
    }

    #[tokio::test]
    async fn a_waiter_sees_the_keys_that_were_raised_since_it_last_looked() {
        let signals = Signals::default();
        signals.raise(Signal::Outbox(org("before")));
        let mut waiter = signals.outbox();
        for name in ["a", "b", "a"] {
            signals.raise(Signal::Outbox(org(name)));
        }
        let keys = HashSet::from([org("a"), org("b")]);
        assert_eq!(waiter.raised().await, Raised::Keys(keys));
        let nothing = timeout(Duration::from_millis(1), waiter.raised()).await;
        assert!(nothing.is_err());
        signals.raise(Signal::Outbox(org("c")));
        assert!(waiter.raised().await.concerns(&org("c")));
    }

    #[tokio::test]
    async fn keys_reach_another_replica_and_do_not_come_back() {
        let (here, there) = (Signals::default(), Signals::default());
        let (mut own, mut other) = (here.outbox(), there.outbox());
        here.raise(Signal::Outbox(org("a")));
        here.raise(Signal::Outbox(org("b")));
        own.raised().await;
        for text in here.outgoing(Topic::Outbox).await {
            here.heard(Topic::Outbox, &text);
            there.heard(Topic::Outbox, &text);
        }
        let keys = HashSet::from([org("a"), org("b")]);
        assert_eq!(other.raised().await, Raised::Keys(keys));
        assert!(
            timeout(Duration::from_millis(1), own.raised())
                .await
                .is_err()
        );
        // A replica of an earlier version sends no payload.
        there.heard(Topic::Outbox, "");
        assert_eq!(other.raised().await, Raised::All);
        there.missed();
        assert_eq!(other.raised().await, Raised::All);
    }
}
