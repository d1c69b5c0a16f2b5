//! Redis: a few connections, and a timeout for every call.
//!
//! Owns: the accepted forms of a Redis URL, TLS, the connection pool, and errors without
//! passwords.
//! Never does: know what the commands are for.

use crate::secret::Secret;
use deadpool_redis::redis::{
    AsyncConnectionConfig, Client, ConnectionAddr, ConnectionInfo, IntoConnectionInfo, RedisError,
    TlsCertificates,
};
use deadpool_redis::{Connection, Manager, Pool, PoolError};
use std::time::Duration;
use url::Url;

/// Redis cannot be set up. The text never contains the URL, which may contain a password.
#[derive(Debug, thiserror::Error)]
pub enum RedisSetupError {
    /// The URL is invalid.
    #[error("expected redis://[user:password@]host[:port][/database], or rediss:// for TLS: {0}")]
    Url(String),
    /// The root certificate of a test is invalid.
    #[error("the certificate: {0}")]
    Certificate(String),
    /// The connection pool cannot be created.
    #[error("the connections to Redis: {0}")]
    Connections(String),
}

/// Timeouts, and the number of connections.
#[derive(Clone, Copy, Debug)]
pub struct RedisLimits {
    /// The time of one call: to connect, to get the answer, and to do both again if the
    /// connection turns out to be broken.
    pub call: Duration,
    /// The time of one answer. Less than a call, so that a call survives a dead connection.
    pub answer: Duration,
    /// The maximum number of connections.
    pub connections: usize,
}

/// A Redis server.
pub struct Redis {
    pool: Pool,
    call: Duration,
    password: Option<Secret>,
}

impl Redis {
    /// The server at `url`. With TLS, `root` (PEM) has to sign its certificate, or one of
    /// the system's roots if `root` is None. Does not connect yet.
    ///
    /// # Errors
    /// See [`RedisSetupError`].
    pub fn new(
        url: &str,
        root: Option<&[u8]>,
        limits: RedisLimits,
    ) -> Result<Self, RedisSetupError> {
        let address = address(url)?;
        let tls = matches!(address.addr(), ConnectionAddr::TcpTls { .. });
        if tls {
            // An error means that a provider is installed already.
            let _ = rustls::crypto::ring::default_provider().install_default();
        }
        let password = address.redis_settings().password().map(Secret::from);
        let address = match root {
            Some(root) => trust(address, root)?,
            None => address,
        };
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(limits.call))
            .set_response_timeout(Some(limits.answer));
        let manager = Manager::new_with_config(address, config)
            .map_err(|error| RedisSetupError::Url(error.to_string()))?;
        let pool = Pool::builder(manager)
            .max_size(limits.connections)
            .build()
            .map_err(|error| RedisSetupError::Connections(error.to_string()))?;
        Ok(Self {
            pool,
            call: limits.call,
            password,
        })
    }

    /// A connection, for [`Redis::call`].
    ///
    /// # Errors
    /// If Redis cannot be reached.
    pub async fn connection(&self) -> Result<Connection, PoolError> {
        self.pool.get().await
    }

    /// Runs `work` within the time of one call.
    ///
    /// # Errors
    /// The reason, without the password.
    pub async fn call<T>(
        &self,
        work: impl Future<Output = Result<T, PoolError>>,
    ) -> Result<T, String> {
        match tokio::time::timeout(self.call, work).await {
            Ok(done) => done.map_err(|error| self.reason(&error)),
            Err(_) => Err(format!("Redis did not answer within {:?}", self.call)),
        }
    }

    /// The error without the password. Some servers repeat the command that they refuse, and
    /// the AUTH command contains the password.
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

fn address(url: &str) -> Result<ConnectionInfo, RedisSetupError> {
    let refused = |reason: &str| RedisSetupError::Url(reason.to_owned());
    let url = Url::parse(url).map_err(|error| RedisSetupError::Url(error.to_string()))?;
    if !matches!(url.scheme(), "redis" | "rediss") {
        return Err(refused("another scheme"));
    }
    // The client supports `#insecure`, which is TLS without a check of the certificate.
    if url.fragment().is_some() {
        return Err(refused("a fragment means nothing here"));
    }
    let address = url.into_connection_info();
    address.map_err(|error: RedisError| RedisSetupError::Url(error.to_string()))
}

fn trust(address: ConnectionInfo, root: &[u8]) -> Result<ConnectionInfo, RedisSetupError> {
    let certificates = TlsCertificates {
        client_tls: None,
        root_cert: Some(root.to_vec()),
    };
    let client = Client::build_with_tls(address, certificates)
        .map_err(|error| RedisSetupError::Certificate(error.to_string()))?;
    Ok(client.get_connection_info().clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: RedisLimits = RedisLimits {
        call: Duration::from_secs(1),
        answer: Duration::from_millis(400),
        connections: 1,
    };

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
            let error = Redis::new(url, None, LIMITS).err().unwrap().to_string();
            assert!(error.starts_with("expected redis://"), "{error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
        for url in ["redis://127.0.0.1", "rediss://me:hunter2@example.com:1/3"] {
            assert!(Redis::new(url, None, LIMITS).is_ok(), "{url}");
        }
    }
}
