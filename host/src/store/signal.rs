//! Carries signals to other replicas, by `NOTIFY` and `LISTEN`. Postgres only: an embedded
//! database has no other replica.

use super::db::{Db, exec};
use super::{Store, StoreError};
use crate::signals::Topic;
use sqlx::postgres::PgListener;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::timeout;

fn channel(topic: Topic) -> &'static str {
    match topic {
        Topic::Inbox => "triggerhouse_inbox",
        Topic::Outbox => "triggerhouse_outbox",
        Topic::Routes => "triggerhouse_routes",
        Topic::Polls => "triggerhouse_polls",
        Topic::Sinks => "triggerhouse_sinks",
    }
}

/// The channel on which a listener hears itself when it hears no other replica.
const ECHO: &str = "triggerhouse_echo";
/// The longest time that the echo takes.
const ECHO_MAX: Duration = Duration::from_secs(5);

/// Receives the signals of all replicas, including this one.
#[derive(Debug)]
pub struct SignalListener {
    listener: PgListener,
    /// Changes when another connection was found broken.
    broken: watch::Receiver<u64>,
    store: Store,
    answer_max: Duration,
}

impl Store {
    /// Sends payloads to all replicas; does nothing on an embedded database.
    ///
    /// # Errors
    /// If the database is unavailable.
    pub async fn notify(&self, topic: Topic, payloads: &[String]) -> Result<(), StoreError> {
        self.notify_channel(channel(topic), payloads).await
    }

    async fn notify_channel(
        &self,
        channel: &'static str,
        payloads: &[String],
    ) -> Result<(), StoreError> {
        if self.is_embedded() {
            return Ok(());
        }
        // As JSON, which both databases take as a text.
        let payloads = serde_json::Value::from(payloads).to_string();
        const SQL: &str = "select pg_notify($1, text)
             from json_array_elements_text($2::json) as payloads (text)";
        self.write_once(async |tx| exec!(tx, SQL, channel, payloads))
            .await?;
        Ok(())
    }

    /// Starts to receive signals; none on an embedded database.
    ///
    /// # Errors
    /// If the database is unavailable.
    pub async fn listen(&self) -> Result<Option<SignalListener>, StoreError> {
        let Db::Postgres(postgres) = &self.db else {
            return Ok(None);
        };
        let (pool, answer_max) = (postgres.listener(), postgres.answer_max());
        let listening = async {
            let mut listener = PgListener::connect_with(&pool).await?;
            listener
                .listen_all(Topic::ALL.map(channel).into_iter().chain([ECHO]))
                .await?;
            Ok::<_, StoreError>(listener)
        };
        match timeout(answer_max, listening).await {
            Ok(listener) => Ok(Some(SignalListener {
                listener: listener?,
                broken: postgres.broken(),
                store: self.clone(),
                answer_max,
            })),
            Err(_) => Err(StoreError::unanswered(answer_max)),
        }
    }
}

impl SignalListener {
    /// The next payload. None means that the connection was lost and opened again, so that
    /// signals may have been missed.
    ///
    /// # Errors
    /// If the database is unavailable, or has fallen silent.
    pub async fn recv(&mut self) -> Result<Option<(Topic, String)>, StoreError> {
        let (mut asked, mut limit) = (false, self.answer_max);
        loop {
            let heard = tokio::select! {
                heard = timeout(limit, self.listener.try_recv()) => heard.ok(),
                // This one may be broken, too: its server may be another one by now.
                Ok(()) = self.broken.changed(), if !asked => None,
            };
            match heard {
                Some(heard) => match heard? {
                    None => return Ok(None),
                    Some(heard) if heard.channel() == ECHO => {
                        (asked, limit) = (false, self.answer_max);
                    }
                    Some(heard) => {
                        let of = |topic: &Topic| channel(*topic) == heard.channel();
                        if let Some(topic) = Topic::ALL.into_iter().find(of) {
                            return Ok(Some((topic, heard.payload().to_owned())));
                        }
                    }
                },
                None if asked => return Err(StoreError::unanswered(limit)),
                // Either nothing happens, or this connection is broken.
                None => {
                    self.store.notify_channel(ECHO, &[String::new()]).await?;
                    (asked, limit) = (true, self.answer_max.min(ECHO_MAX));
                }
            }
        }
    }
}
