//! Redis: a few connections, three commands, and an end to every wait.

use super::LockError;
use crate::secret::Secret;
use deadpool_redis::redis::{
    AsyncConnectionConfig, Client, ConnectionAddr, ConnectionInfo, ExistenceCheck,
    IntoConnectionInfo, RedisError, Script, SetExpiry, SetOptions, TlsCertificates, cmd,
};
use deadpool_redis::{Manager, Pool, PoolError};
use std::time::Duration;
use url::Url;

/// All that one call may take: to connect, to be answered, and once more where a
/// connection turned out to be broken.
const CALL_MAX: Duration = Duration::from_secs(1);
/// What an answer may take. Less than a call, so that a call outlives a connection that
/// nobody answers on any more.
const ANSWER_MAX: Duration = Duration::from_millis(400);
/// A call takes a fraction of a millisecond, and there is one at the beginning and one at
/// the end of a poll.
const CONNECTIONS_MAX: usize = 4;

/// Comparing and writing must be one step: between two, the lock can lapse and become
/// somebody else's.
const EXTEND_IF_OWN: &str = "if redis.call('get', KEYS[1]) == ARGV[1] then
    return redis.call('pexpire', KEYS[1], ARGV[2])
end
return 0";
const DELETE_IF_OWN: &str = "if redis.call('get', KEYS[1]) == ARGV[1] then
    return redis.call('del', KEYS[1])
end
return 0";

pub(super) struct Server {
    pool: Pool,
    extend: Script,
    delete: Script,
    password: Option<Secret>,
}

impl Server {
    pub(super) fn new(url: &str, root: Option<&[u8]>) -> Result<Self, LockError> {
        let address = address(url)?;
        let tls = matches!(address.addr(), ConnectionAddr::TcpTls { .. });
        if tls {
            // An error means that one is installed already.
            let _ = rustls::crypto::ring::default_provider().install_default();
        }
        let password = address.redis_settings().password().map(Secret::from);
        let address = match root {
            Some(root) => trust(address, root)?,
            None => address,
        };
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CALL_MAX))
            .set_response_timeout(Some(ANSWER_MAX));
        let manager = Manager::new_with_config(address, config)
            .map_err(|error| LockError::Url(error.to_string()))?;
        let pool = Pool::builder(manager)
            .max_size(CONNECTIONS_MAX)
            .build()
            .map_err(|error| LockError::Connections(error.to_string()))?;
        Ok(Self {
            pool,
            extend: Script::new(EXTEND_IF_OWN),
            delete: Script::new(DELETE_IF_OWN),
            password,
        })
    }

    /// Whether `key` was free, and now holds `token` for `ttl`.
    pub(super) async fn set_if_absent(
        &self,
        key: &str,
        token: &str,
        ttl: Duration,
    ) -> Result<bool, String> {
        let options = SetOptions::default()
            .conditional_set(ExistenceCheck::NX)
            .with_expiration(SetExpiry::PX(milliseconds(ttl)));
        self.call(async {
            let mut connection = self.pool.get().await?;
            let mut set = cmd("SET");
            set.arg(key).arg(token).arg(options);
            let set: Option<String> = set.query_async(&mut connection).await?;
            Ok(set.is_some())
        })
        .await
    }

    /// Whether `key` held `token`, and now does so for `ttl` more.
    pub(super) async fn extend_if_own(
        &self,
        key: &str,
        token: &str,
        ttl: Duration,
    ) -> Result<bool, String> {
        self.call(async {
            let mut connection = self.pool.get().await?;
            let mut extend = self.extend.key(key);
            let extend = extend.arg(token).arg(milliseconds(ttl));
            Ok(extend.invoke_async(&mut connection).await?)
        })
        .await
    }

    /// Whether `key` held `token`, and now is free.
    pub(super) async fn delete_if_own(&self, key: &str, token: &str) -> Result<bool, String> {
        self.call(async {
            let mut connection = self.pool.get().await?;
            let mut delete = self.delete.key(key);
            Ok(delete.arg(token).invoke_async(&mut connection).await?)
        })
        .await
    }

    /// Does it within a second, or says why not.
    async fn call<T>(&self, work: impl Future<Output = Result<T, PoolError>>) -> Result<T, String> {
        match tokio::time::timeout(CALL_MAX, work).await {
            Ok(done) => done.map_err(|error| self.reason(&error)),
            Err(_) => Err(format!("Redis did not answer within {CALL_MAX:?}")),
        }
    }

    /// The error as it may be shown. Some servers repeat the command that they refuse, and
    /// the command that signs in has the password.
    fn reason(&self, error: &PoolError) -> String {
        let text = match error {
            PoolError::Backend(error) => error.to_string(),
            other => other.to_string(),
        };
        match &self.password {
            Some(password) if !password.expose().is_empty() => text.replace(password.expose(), "…"),
            _ => text,
        }
    }
}

/// Redis refuses a time of zero.
fn milliseconds(ttl: Duration) -> u64 {
    u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX).max(1)
}

fn address(url: &str) -> Result<ConnectionInfo, LockError> {
    let refused = |reason: &str| LockError::Url(reason.to_owned());
    let url = Url::parse(url).map_err(|error| LockError::Url(error.to_string()))?;
    if !matches!(url.scheme(), "redis" | "rediss") {
        return Err(refused("another scheme"));
    }
    // The client knows `#insecure`, which would be TLS with anybody.
    if url.fragment().is_some() {
        return Err(refused("a fragment means nothing here"));
    }
    let address = url.into_connection_info();
    address.map_err(|error: RedisError| LockError::Url(error.to_string()))
}

fn trust(address: ConnectionInfo, root: &[u8]) -> Result<ConnectionInfo, LockError> {
    let certificates = TlsCertificates {
        client_tls: None,
        root_cert: Some(root.to_vec()),
    };
    let client = Client::build_with_tls(address, certificates)
        .map_err(|error| LockError::Certificate(error.to_string()))?;
    Ok(client.get_connection_info().clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_that_cannot_be_used_is_refused_without_being_shown() {
        for url in [
            "",
            "127.0.0.1:6379",
            "http://me:hunter2@127.0.0.1",
            "redis+unix:///run/redis.sock",
            "unix:///run/redis.sock",
            "redis://me:hunter2@",
            "redis://:hunter2@127.0.0.1:port",
            "redis://:hunter2@127.0.0.1/first",
            "rediss://:hunter2@127.0.0.1/#insecure",
        ] {
            let error = Server::new(url, None).err().unwrap().to_string();
            assert!(error.starts_with("expected redis://"), "{error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
        for url in ["redis://127.0.0.1", "rediss://me:hunter2@example.com:1/3"] {
            assert!(Server::new(url, None).is_ok(), "{url}");
        }
    }

    #[test]
    fn a_time_is_never_none() {
        assert_eq!(milliseconds(Duration::ZERO), 1);
        assert_eq!(milliseconds(Duration::from_micros(1_999)), 1);
        assert_eq!(milliseconds(Duration::from_secs(2)), 2000);
    }
}
