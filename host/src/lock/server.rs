//! The three Redis commands of a lock.

use crate::redis::{Redis, RedisLimits, RedisSetupError};
use deadpool_redis::redis::{ExistenceCheck, Script, SetExpiry, SetOptions, cmd};
use std::time::Duration;

/// A call takes a fraction of a millisecond, and a poll makes one at its start and one at
/// its end: four connections are enough.
const LIMITS: RedisLimits = RedisLimits {
    call: Duration::from_secs(1),
    answer: Duration::from_millis(400),
    connections: 4,
};

/// Compares and writes in one step. Between two steps, the lock could expire and go to
/// another replica.
const EXTEND_IF_OWN: &str = "if redis.call('get', KEYS[1]) == ARGV[1] then
    return redis.call('pexpire', KEYS[1], ARGV[2])
end
return 0";
const DELETE_IF_OWN: &str = "if redis.call('get', KEYS[1]) == ARGV[1] then
    return redis.call('del', KEYS[1])
end
return 0";

pub(super) struct Server {
    redis: Redis,
    extend: Script,
    delete: Script,
}

impl Server {
    pub(super) fn new(url: &str, root: Option<&[u8]>) -> Result<Self, RedisSetupError> {
        Ok(Self {
            redis: Redis::new(url, root, LIMITS)?,
            extend: Script::new(EXTEND_IF_OWN),
            delete: Script::new(DELETE_IF_OWN),
        })
    }

    /// Sets `key` to `token` for `ttl` if the key is free. Returns true if it was.
    pub(super) async fn set_if_absent(
        &self,
        key: &str,
        token: &str,
        ttl: Duration,
    ) -> Result<bool, String> {
        let options = SetOptions::default()
            .conditional_set(ExistenceCheck::NX)
            .with_expiration(SetExpiry::PX(milliseconds(ttl)));
        let set: Option<String> = self
            .redis
            .call(async {
                let mut connection = self.redis.connection().await?;
                let mut set = cmd("SET");
                set.arg(key).arg(token).arg(options);
                Ok(set.query_async(&mut connection).await?)
            })
            .await?;
        Ok(set.is_some())
    }

    /// Extends `key` by `ttl` if it contains `token`. Returns true if it did.
    pub(super) async fn extend_if_own(
        &self,
        key: &str,
        token: &str,
        ttl: Duration,
    ) -> Result<bool, String> {
        let mut extend = self.extend.key(key);
        let extend = extend.arg(token).arg(milliseconds(ttl));
        self.redis
            .call(async {
                let mut connection = self.redis.connection().await?;
                Ok(extend.invoke_async(&mut connection).await?)
            })
            .await
    }

    /// Deletes `key` if it contains `token`. Returns true if it did.
    pub(super) async fn delete_if_own(&self, key: &str, token: &str) -> Result<bool, String> {
        let mut delete = self.delete.key(key);
        let delete = delete.arg(token);
        self.redis
            .call(async {
                let mut connection = self.redis.connection().await?;
                Ok(delete.invoke_async(&mut connection).await?)
            })
            .await
    }
}

/// At least 1: Redis refuses a time of zero.
fn milliseconds(ttl: Duration) -> u64 {
    u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_never_zero() {
        assert_eq!(milliseconds(Duration::ZERO), 1);
        assert_eq!(milliseconds(Duration::from_micros(1_999)), 1);
        assert_eq!(milliseconds(Duration::from_secs(2)), 2000);
    }
}
