//! A message as an entry of a Redis stream.
//!
//! Redis is responsible for an entry that it has confirmed. An entry that it loses in a
//! failover, or drops because the stream is full, is not sent again.

use super::idempotency_key::idempotency_key;
use super::sent::Sent;
use crate::config::SinksConfig;
use crate::domain::OrgId;
use crate::domain::outbox::ClaimedMessage;
use crate::redis::{Redis, RedisLimits, RedisSetupError};
use crate::secret::Secret;
use deadpool_redis::Connection;
use deadpool_redis::redis::cmd;
use std::time::Duration;

pub(super) struct Streams {
    redis: Redis,
    prefix: String,
    entries_max: u64,
}

impl Streams {
    pub(super) fn new(
        url: &Secret,
        config: &SinksConfig,
        timeout: Duration,
    ) -> Result<Self, RedisSetupError> {
        let limits = RedisLimits {
            call: timeout,
            answer: timeout / 2,
            // All sinks share one server, and adding an entry takes a fraction of a
            // millisecond.
            connections: config.per_sink_in_flight_max.usize(),
        };
        Ok(Self {
            redis: Redis::new(url.expose(), None, limits)?,
            prefix: config.stream_prefix.clone(),
            entries_max: config.stream_entries_max.u64(),
        })
    }

    pub(super) async fn send(&self, org: &OrgId, stream: &str, message: &ClaimedMessage) -> Sent {
        let mut add = cmd("XADD");
        add.arg(format!("{}{stream}", self.prefix))
            .arg("MAXLEN")
            .arg("~")
            .arg(self.entries_max)
            .arg("*")
            .arg("idempotency_key")
            .arg(idempotency_key(message))
            .arg("id")
            .arg(message.id.to_string())
            .arg("kind")
            .arg(&message.kind)
            .arg("organization")
            .arg(org.as_str())
            .arg("payload")
            .arg(message.payload.get());
        let added: Result<String, String> = self
            .redis
            .call(async {
                let mut connection = self.redis.connection().await?;
                let added = add.query_async(&mut connection).await;
                if added.is_err() {
                    // Drops the connection. After a failover, its server is a replica that
                    // still answers pings, and a new connection may reach the primary.
                    drop(Connection::take(connection));
                }
                Ok(added?)
            })
            .await;
        match added {
            Ok(_) => Sent::Taken,
            // Redis does not read the payload, so its errors are not the message's fault.
            Err(error) => Sent::unavailable(error),
        }
    }
}
