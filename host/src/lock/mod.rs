//! Locks in Redis, one for each poll group. They keep two replicas from polling a service
//! at the same time.
//!
//! Owns: the locks and their owners' tokens.
//! Never does: anything that correctness depends on. A lock is advice: it may expire under
//! its owner, and Redis may be away. The claim in the database fences every write of a poll.

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

/// The prefix of a lock's key. The id of the poll group follows.
const KEY_PREFIX: &str = "triggerhouse:poll:";

/// The locks of all poll groups. Clones share the connections.
#[derive(Clone)]
pub struct Locks(Option<Arc<Server>>);

/// The result of a request for a lock.
#[derive(Debug)]
#[must_use = "a dropped guard keeps its lock until the lock expires"]
pub enum Acquired {
    /// The caller holds the lock until the guard releases it or it expires.
    Held(LockGuard),
    /// Another replica holds the lock.
    Busy,
    /// Redis did not answer, for this reason. The caller continues without a lock: the claim
    /// in the database keeps other replicas out. A lock that Redis granted too late expires.
    Unavailable(String),
}

impl Locks {
    /// Locks without Redis: each is always granted, and only the claim in the database keeps
    /// replicas apart.
    pub fn none() -> Self {
        Self(None)
    }

    /// The locks in the Redis at `url`. Does not connect yet.
    ///
    /// # Errors
    /// [`RedisSetupError::Url`] if the URL is not a `redis://` or `rediss://` URL.
    pub fn new(url: &str) -> Result<Self, RedisSetupError> {
        Ok(Self(Some(Arc::new(Server::new(url, None)?))))
    }

    /// As [`Locks::new`], but `root` (PEM) has to sign the server's certificate, instead of
    /// one of the system's roots. For tests.
    ///
    /// # Errors
    /// As [`Locks::new`], and [`RedisSetupError::Certificate`].
    pub fn trusting(url: &str, root: &[u8]) -> Result<Self, RedisSetupError> {
        Ok(Self(Some(Arc::new(Server::new(url, Some(root))?))))
    }

    /// Requests the lock of a poll group for `ttl`. Returns within a second even if Redis
    /// does not answer.
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
