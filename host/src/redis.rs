//! Redis: a few connections, and an end to every wait.
//!
//! Owns: what a URL of Redis may say, TLS, how connections are kept, and that no
//! password shows in an error.
//! Never does: know what the commands are for.

use crate::secret::Secret;
use deadpool_redis::redis::{
    AsyncConnectionConfig, Client, ConnectionAddr, ConnectionInfo, IntoConnectionInfo, RedisError,
    TlsCertificates,
};
use deadpool_redis::{Connection, Manager, Pool, PoolError};
use std::time::Duration;
use url::Url;

/// A URL of Redis that is none. Its text never holds the URL, which may hold a password.
#[derive(Debug, thiserror::Error)]
pub enum RedisSetupError {
    /// It could not be read.
    #[error("expected redis://[user:password@]host[:port][/database], or rediss:// for TLS: {0}")]
    Url(String),
    /// What a test trusts is no certificate.
    #[error("the certificate: {0}")]
    Certificate(String),
    /// The connections cannot be managed.
    #[error("the connections to Redis: {0}")]
    Connections(String),
}

/// How long to wait, and how many connections to keep.
#[derive(Clone, Copy, Debug)]
pub struct RedisLimits {
    /// All that one call may take: to connect, to be answered, and once more where a
    /// connection turned out to be broken.
    pub call: Duration,
    /// What an answer may take. Less than a call, so that a call outlives a connection
    /// that nobody answers on any more.
    pub answer: Duration,
    /// Connections at most.
    pub connections: usize,
}

/// A server.
pub struct Redis {
    pool: Pool,
    call: Duration,
    password: Option<Secret>,
}

impl Redis {
    /// The server at `url`; with TLS, its certificate is to be signed by `root`, in PEM,
    /// or by one that the system trusts. Does not connect.
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
            // An error means that one is installed already.
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
    /// If there is none to be had.
    pub async fn connection(&self) -> Result<Connection, PoolError> {
        self.pool.get().await
    }

    /// Does it within the time of a call.
    ///
    /// # Errors
    /// Why not, as it may be shown.
    pub async fn call<T>(
        &self,
        work: impl Future<Output = Result<T, PoolError>>,
    ) -> Result<T, String> {
        match tokio::time::timeout(self.call, work).await {
            Ok(done) => done.map_err(|error| self.reason(&error)),
            Err(_) => Err(format!("Redis did not answer within {:?}", self.call)),
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

fn address(url: &str) -> Result<ConnectionInfo, RedisSetupError> {
    let refused = |reason: &str| RedisSetupError::Url(reason.to_owned());
    let url = Url::parse(url).map_err(|error| RedisSetupError::Url(error.to_string()))?;
    if !matches!(url.scheme(), "redis" | "rediss") {
        return Err(refused("another scheme"));
    }
    // The client knows `#insecure`, which would be TLS with anybody.
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
