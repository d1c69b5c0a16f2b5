//! Keeps two replicas from asking a service at the same time: one lock in Redis for
//! each poll group.
//!
//! Owns: the locks and their owners' tokens.
//! Never does: anything that correctness rests on. A lock is advice: it may lapse
//! under its owner, and Redis may be away. What a poll writes is fenced by its claim in
//! the database.

mod guard;
mod server;

pub use guard::{LockGuard, Renewed};

use crate::redis::RedisSetupError;
use guard::Held;
use server::Server;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// What stands before the id of a poll group.
const KEY_PREFIX: &str = "triggerhouse:poll:";

/// The locks of all poll groups. A clone shares its connections.
#[derive(Clone)]
pub struct Locks(Option<Arc<Server>>);

/// What became of asking for a lock.
#[derive(Debug)]
#[must_use = "a guard that is dropped keeps its lock until that lapses"]
pub enum Acquired {
    /// It is the caller's until the guard releases it, or until it lapses.
    Held(LockGuard),
    /// Somebody else holds it.
    Busy,
    /// Redis did not say, for this reason. The caller goes on without a lock: the claim
    /// in the database keeps others out. A lock that Redis gave too late to be heard
    /// lapses by itself.
    Unavailable(String),
}

impl Locks {
    /// Without Redis: every lock is free, and only the claim in the database keeps
    /// replicas apart.
    pub fn none() -> Self {
        Self(None)
    }

    /// The locks in the Redis at `url`. Does not connect.
    ///
    /// # Errors
    /// [`RedisSetupError::Url`] if it is not one of `redis://` or `rediss://`.
    pub fn new(url: &str) -> Result<Self, RedisSetupError> {
        Ok(Self(Some(Arc::new(Server::new(url, None)?))))
    }

    /// As [`Locks::new`], where the server's certificate (`rediss://`) is to be signed by
    /// `root`, in PEM, and not by one that the system trusts: for tests.
    ///
    /// # Errors
    /// As [`Locks::new`], and [`RedisSetupError::Certificate`].
    pub fn trusting(url: &str, root: &[u8]) -> Result<Self, RedisSetupError> {
        Ok(Self(Some(Arc::new(Server::new(url, Some(root))?))))
    }

    /// Asks for the lock of a poll group, for `ttl`; returns within a second, whatever
    /// Redis does.
    pub async fn acquire(&self, group: impl fmt::Display, ttl: Duration) -> Acquired {
        let Some(server) = &self.0 else {
            return Acquired::Held(LockGuard::free());
        };
        let key = format!("{KEY_PREFIX}{group}");
        let token = Uuid::new_v4().simple().to_string();
        match server.set_if_absent(&key, &token, ttl).await {
            Ok(true) => Acquired::Held(LockGuard::of(Held {
                server: Arc::clone(server),
                key,
                token,
                ttl,
            })),
            Ok(false) => Acquired::Busy,
            Err(reason) => Acquired::Unavailable(reason),
        }
    }
}

impl fmt::Debug for Locks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.0.is_some() { "Redis" } else { "none" };
        write!(f, "Locks({kind})")
    }
}
