//! A lock that is held, and who may renew and release it: whoever knows its token.

use super::server::Server;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// A lock. Dropped without [`LockGuard::release`] it is left to lapse.
pub struct LockGuard(Option<Held>);

pub(super) struct Held {
    pub(super) server: Arc<Server>,
    pub(super) key: String,
    pub(super) token: String,
    pub(super) ttl: Duration,
}

/// What became of renewing a lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Renewed {
    /// It is held for its whole time again.
    Held,
    /// It lapsed, or Redis forgot it: somebody else may be asking the service by now.
    Lost,
    /// Redis did not say, for this reason. The lock lapses unless it is renewed in time.
    Unavailable(String),
}

impl LockGuard {
    /// Where there are no locks.
    pub(super) fn free() -> Self {
        Self(None)
    }

    pub(super) fn of(held: Held) -> Self {
        Self(Some(held))
    }

    /// Holds the lock for the whole of its time from now on, if it is held still;
    /// returns within a second.
    pub async fn renew(&self) -> Renewed {
        let Some(held) = &self.0 else {
            return Renewed::Held;
        };
        match held
            .server
            .extend_if_own(&held.key, &held.token, held.ttl)
            .await
        {
            Ok(true) => Renewed::Held,
            Ok(false) => Renewed::Lost,
            Err(reason) => Renewed::Unavailable(reason),
        }
    }

    /// Gives the lock to whoever asks next, if it is held still; returns within a second.
    /// Where Redis is away, the lock lapses instead.
    pub async fn release(self) {
        let Some(held) = self.0 else { return };
        if let Err(reason) = held.server.delete_if_own(&held.key, &held.token).await {
            tracing::debug!(lock = held.key, reason, "a lock is left to lapse");
        }
    }
}

/// Without the token: who knows it could release the lock.
impl fmt::Debug for LockGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = self.0.as_ref().map(|held| held.key.as_str());
        f.debug_tuple("LockGuard").field(&key).finish()
    }
}
