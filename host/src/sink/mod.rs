//! Sends one message to a sink, once.
//!
//! Owns: the form of a message on the wire, its signature, and the meaning of an answer.
//! Never does: SQL, a retry, or the choice of the next message.

mod http;
mod idempotency_key;
mod sent;
mod stream;

pub use sent::Sent;

use crate::config::Config;
use crate::domain::outbox::ClaimedMessage;
use crate::domain::sink::SinkAddress;
use crate::domain::{OrgId, Timestamp};
use crate::egress::{EgressError, HostClient};
use crate::redis::RedisSetupError;
use crate::secret::Secret;
use http::Endpoint;
use stream::Streams;

/// Sends messages to sinks of every kind.
pub struct Sender {
    endpoint: Endpoint,
    streams: Option<Streams>,
}

/// The sender cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum SenderError {
    /// The HTTP client cannot start.
    #[error(transparent)]
    Http(#[from] EgressError),
    /// `redis_url` is invalid.
    #[error("redis_url: {0}")]
    Redis(#[from] RedisSetupError),
}

impl Sender {
    /// A sender with the configured limits.
    ///
    /// # Errors
    /// See [`SenderError`].
    pub fn new(config: &Config) -> Result<Self, SenderError> {
        let urls = config.sinks.allow_hosts.clone();
        Self::with(config, HostClient::public(urls)?)
    }

    /// As [`Sender::new`], with another HTTP client. For tests.
    ///
    /// # Errors
    /// See [`SenderError`].
    pub fn with(config: &Config, client: HostClient) -> Result<Self, SenderError> {
        let timeout = config.sinks.timeout_ms.duration();
        let streams = match config.redis_url.is_blank() {
            true => None,
            false => Some(Streams::new(&config.redis_url, &config.sinks, timeout)?),
        };
        Ok(Self {
            endpoint: Endpoint::new(client, timeout),
            streams,
        })
    }

    /// Sends a message. Returns the outcome within `sinks.timeout_ms`. `secrets` are the live
    /// secrets of an HTTP sink, and each of them signs the request.
    pub async fn send(
        &self,
        org: &OrgId,
        address: &SinkAddress,
        secrets: &[Secret],
        message: &ClaimedMessage,
        now: Timestamp,
    ) -> Sent {
        match (address, &self.streams) {
            (SinkAddress::Http { url }, _) => self.endpoint.send(url, secrets, message, now).await,
            (SinkAddress::Redis { stream }, Some(streams)) => {
                streams.send(org, stream, message).await
            }
            (SinkAddress::Redis { .. }, None) => {
                Sent::unavailable("no Redis is configured here: redis_url")
            }
        }
    }
}
