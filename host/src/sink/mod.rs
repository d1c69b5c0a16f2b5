//! Sends one message to a sink, once.
//!
//! Owns: what a message looks like at the other end, its signature, and what an answer
//! means.
//! Never does: the database, another try, or anything about which message is next.

mod http;
mod stream;

use crate::config::Config;
use crate::domain::outbox::ClaimedMessage;
use crate::domain::{OrgId, RunId, Timestamp};
use crate::egress::{EgressError, HostClient, PublicUrls};
use crate::redis::RedisSetupError;
use crate::secret::Secret;
use http::Endpoint;
use std::time::Duration;
use stream::Streams;

/// Where a message goes.
#[derive(Clone, Debug)]
pub enum Place {
    /// To a URL, signed with each of these secrets.
    Http {
        /// The URL, as a tenant wrote it.
        url: String,
        /// Live secrets.
        secrets: Vec<Secret>,
    },
    /// To a Redis stream.
    Redis {
        /// Its name, as a tenant chose it.
        stream: String,
    },
}

/// What came of sending a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sent {
    /// It was taken.
    Taken,
    /// It was not.
    Failed {
        /// For people.
        error: String,
        /// The pause that the endpoint asks for.
        pause: Option<Duration>,
        /// Whether it asks for it on behalf of all messages (429), and not of this one
        /// alone: a run that another consumer has in hand holds up no other.
        is_for_all: bool,
        /// Whether the message may have to do with it.
        counts: bool,
    },
    /// The endpoint is gone for good, and wants nothing more.
    Gone {
        /// For people.
        error: String,
    },
}

impl Sent {
    fn failed(error: impl Into<String>) -> Self {
        Self::Failed {
            error: error.into(),
            pause: None,
            is_for_all: false,
            counts: true,
        }
    }

    /// Through no fault of the message.
    fn unavailable(error: impl Into<String>) -> Self {
        Self::Failed {
            error: error.into(),
            pause: None,
            is_for_all: false,
            counts: false,
        }
    }
}

/// The ways out.
pub struct Sender {
    endpoint: Endpoint,
    streams: Option<Streams>,
}

/// The ways out cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum SenderError {
    /// The HTTP client cannot start.
    #[error(transparent)]
    Http(#[from] EgressError),
    /// An address that may be reached is none.
    #[error("sinks.allow_hosts: {0}")]
    AllowHosts(String),
    /// The URL of Redis is none.
    #[error("redis_url: {0}")]
    Redis(#[from] RedisSetupError),
}

impl Sender {
    /// With this configuration.
    ///
    /// # Errors
    /// See [`SenderError`].
    pub fn new(config: &Config) -> Result<Self, SenderError> {
        let urls = PublicUrls::new(&config.sinks.allow_hosts).map_err(SenderError::AllowHosts)?;
        Self::with(config, HostClient::public(urls)?)
    }

    /// With another client, for tests.
    ///
    /// # Errors
    /// See [`SenderError`].
    pub fn with(config: &Config, client: HostClient) -> Result<Self, SenderError> {
        let timeout = Duration::from_millis(config.sinks.timeout_ms);
        let streams = match config.redis_url.is_blank() {
            true => None,
            false => Some(Streams::new(&config.redis_url, &config.sinks, timeout)?),
        };
        Ok(Self {
            endpoint: Endpoint::new(client, timeout),
            streams,
        })
    }

    /// Sends a message, and says what came of it before `sinks.timeout_ms` are over.
    pub async fn send(
        &self,
        org: &OrgId,
        place: &Place,
        message: &ClaimedMessage,
        now: Timestamp,
    ) -> Sent {
        match (place, &self.streams) {
            (Place::Http { url, secrets }, _) => {
                self.endpoint.send(url, secrets, message, now).await
            }
            (Place::Redis { stream }, Some(streams)) => streams.send(org, stream, message).await,
            (Place::Redis { .. }, None) => {
                Sent::unavailable("no Redis is configured here: redis_url")
            }
        }
    }
}

/// By which a consumer recognises a message that it has had before.
fn idempotency_key(message: &ClaimedMessage) -> String {
    // A hand-off's message has the run's UUID.
    RunId(message.id.0).to_string()
}
