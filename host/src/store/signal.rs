//! Tells other replicas that there is something to do. Postgres only: an embedded
//! database has no other replica.
//!
//! A signal carries nothing and may be lost: whoever waits also looks by itself
//! from time to time.

use super::pool::{Db, Postgres, on_postgres};
use super::{Store, StoreError};
use sqlx::postgres::{PgConnectOptions, PgListener, PgPoolOptions};
use tokio::time::timeout;

/// What there is to do.
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

/// On which a listener hears itself when it hears nobody else.
const ECHO: &str = "triggerhouse_echo";

/// Receives the signals of all replicas, one's own included.
#[derive(Debug)]
pub struct SignalListener {
    listener: PgListener,
    postgres: Postgres,
}

impl Store {
    /// Sends a signal to all replicas; does nothing on an embedded database.
    ///
    /// # Errors
    /// If the database is unavailable.
    pub async fn notify(&self, signal: Signal) -> Result<(), StoreError> {
        let Db::Postgres(postgres) = &self.db else {
            return Ok(());
        };
        postgres.notify(signal.channel()).await
    }

    /// Starts to receive signals; none on an embedded database.
    ///
    /// # Errors
    /// If the database is unavailable.
    pub async fn listen(&self) -> Result<Option<SignalListener>, StoreError> {
        let Db::Postgres(postgres) = &self.db else {
            return Ok(None);
        };
        // A pool of its own: a listener that has fallen silent keeps its connection.
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
                postgres: postgres.clone(),
            })),
            Err(_) => Err(postgres.unanswered()),
        }
    }
}

impl Postgres {
    async fn notify(&self, channel: &'static str) -> Result<(), StoreError> {
        on_postgres!(self, connection => {
            let notify = sqlx::query("select pg_notify($1, '')").bind(channel);
            notify.execute(connection).await?;
            Ok(())
        })
    }
}

impl SignalListener {
    /// The next signal. None means that the connection was lost and made anew, so
    /// that signals may have been missed.
    ///
    /// # Errors
    /// If the database is unavailable, or has fallen silent.
    pub async fn recv(&mut self) -> Result<Option<Signal>, StoreError> {
        let mut asked = false;
        loop {
            let heard = timeout(self.postgres.answer_max, self.listener.try_recv()).await;
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
                Err(_) if asked => return Err(self.postgres.unanswered()),
                // Nothing happens, or this connection hears nothing any more.
                Err(_) => {
                    self.postgres.notify(ECHO).await?;
                    asked = true;
                }
            }
        }
    }
}
