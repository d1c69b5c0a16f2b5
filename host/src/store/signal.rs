//! Wakes other replicas when there is work for them. Postgres only: an embedded database
//! has no other replica.
//!
//! A signal carries no data and may be lost: every waiter also polls from time to time.

use super::db::{Db, exec};
use super::{Store, StoreError};
use sqlx::postgres::{PgConnectOptions, PgListener, PgPoolOptions};
use std::time::Duration;
use tokio::time::timeout;

/// The kind of work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Signal {
    /// A delivery is due.
    Inbox,
    /// A message is due.
    Outbox,
    /// Triggers or integrations have changed.
    Routes,
    /// A poll group is due.
    Polls,
}

impl Signal {
    /// Every signal.
    pub const ALL: [Self; 4] = [Self::Inbox, Self::Outbox, Self::Routes, Self::Polls];

    fn channel(self) -> &'static str {
        match self {
            Self::Inbox => "triggerhouse_inbox",
            Self::Outbox => "triggerhouse_outbox",
            Self::Routes => "triggerhouse_routes",
            Self::Polls => "triggerhouse_polls",
        }
    }
}

/// The channel on which a listener hears itself when it hears no other replica.
const ECHO: &str = "triggerhouse_echo";

/// Receives the signals of all replicas, including this one.
#[derive(Debug)]
pub struct SignalListener {
    listener: PgListener,
    store: Store,
    answer_max: Duration,
}

impl Store {
    /// Sends a signal to all replicas; does nothing on an embedded database.
    ///
    /// # Errors
    /// If the database is unavailable.
    pub async fn notify(&self, signal: Signal) -> Result<(), StoreError> {
        self.notify_channel(signal.channel()).await
    }

    async fn notify_channel(&self, channel: &'static str) -> Result<(), StoreError> {
        if !self.is_embedded() {
            self.write_once(async |tx| exec!(tx, "select pg_notify($1, '')", channel))
                .await?;
        }
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
        // A pool of its own: a listener keeps its connection for as long as it listens.
        let options = PgConnectOptions::clone(&postgres.pool.connect_options());
        let pool = PgPoolOptions::new()
            .max_connections(1)
            .connect_lazy_with(options);
        let listening = async {
            let mut listener = PgListener::connect_with(&pool).await?;
            listener
                .listen_all(Signal::ALL.map(Signal::channel).into_iter().chain([ECHO]))
                .await?;
            Ok::<_, StoreError>(listener)
        };
        match timeout(postgres.answer_max, listening).await {
            Ok(listener) => Ok(Some(SignalListener {
                listener: listener?,
                store: self.clone(),
                answer_max: postgres.answer_max,
            })),
            Err(_) => Err(StoreError::unanswered(postgres.answer_max)),
        }
    }
}

impl SignalListener {
    /// The next signal. None means that the connection was lost and opened again, so that
    /// signals may have been missed.
    ///
    /// # Errors
    /// If the database is unavailable, or has fallen silent.
    pub async fn recv(&mut self) -> Result<Option<Signal>, StoreError> {
        let mut asked = false;
        loop {
            let heard = timeout(self.answer_max, self.listener.try_recv()).await;
            match heard {
                Ok(heard) => match heard? {
                    None => return Ok(None),
                    Some(heard) if heard.channel() == ECHO => asked = false,
                    Some(heard) => {
                        let channel = heard.channel();
                        return Ok(Signal::ALL
                            .into_iter()
                            .find(|signal| signal.channel() == channel));
                    }
                },
                Err(_) if asked => return Err(StoreError::unanswered(self.answer_max)),
                // Either nothing happens, or this connection is broken.
                Err(_) => {
                    self.store.notify_channel(ECHO).await?;
                    asked = true;
                }
            }
        }
    }
}
