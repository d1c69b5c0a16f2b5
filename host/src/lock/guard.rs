//! A held lock. Only the holder of its token can renew and release it.

use super::server::Server;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// A held lock. Dropped without [`LockGuard::release`], it stays locked until it expires.
pub struct LockGuard(Option<Held>);

pub(super) struct Held {
    pub(super) server: Arc<Server>,
    pub(super) key: String,
    pub(super) token: String,
    pub(super) ttl: Duration,
}

/// The result of renewing a lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Renewed {
    /// The lock is held for its full time again.
    Held,
    /// The lock expired, or Redis lost it. Another replica may be polling the service now.
    Lost,
    /// Redis did not answer, for this reason. The lock expires unless it is renewed in time.
    Unavailable(String),
}

impl LockGuard {
    /// A guard without a lock, where Redis is not configured.
    pub(super) fn free() -> Self {
        Self(None)
    }

    pub(super) fn of(held: Held) -> Self {
        Self(Some(held))
    }

    /// Extends the lock to its full time from now on, if it is still held. Returns within a
    /// second.
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

    /// Frees the lock, if it is still held. Returns within a second. If Redis is away, the
    /// lock expires instead.
    pub async fn release(self) {
        let Some(held) = self.0 else { return };
        if let Err(reason) = held.server.delete_if_own(&held.key, &held.token).await {
            tracing::debug!(
                lock = held.key,
                reason,
                "could not release a lock; it expires"
            );
        }
    }
}

/// Without the token, which is enough to release the lock.
impl fmt::Debug for LockGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = self.0.as_ref().map(|held| held.key.as_str());
        f.debug_tuple("LockGuard").field(&key).finish()
    }
}
