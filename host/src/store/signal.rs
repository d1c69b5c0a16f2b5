//! Tells other replicas that there is something to do. Postgres only: an embedded
//! database has no other replica.
//!
//! A signal carries nothing and may be lost: whoever waits also looks by itself
//! from time to time.

use super::pool::Db;
use super::{Store, StoreError};
use sqlx::postgres::PgListener;

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

/// Receives the signals of all replicas, one's own included.
#[derive(Debug)]
pub struct SignalListener(PgListener);

impl Store {
    /// Sends a signal to all replicas; does nothing on an embedded database.
    ///
    /// # Errors
    /// If the database is unavailable.
    pub async fn notify(&self, signal: Signal) -> Result<(), StoreError> {
        if let Db::Postgres(pool) = &self.db {
            sqlx::query("select pg_notify($1, '')")
                .bind(signal.channel())
                .execute(pool)
                .await?;
        }
        Ok(())
    }

    /// Starts to receive signals; none on an embedded database.
    ///
    /// # Errors
    /// If the database is unavailable.
    pub async fn listen(&self) -> Result<Option<SignalListener>, StoreError> {
        let Db::Postgres(pool) = &self.db else {
            return Ok(None);
        };
        let mut listener = PgListener::connect_with(pool).await?;
        listener
            .listen_all(Signal::ALL.map(Signal::channel))
            .await?;
        Ok(Some(SignalListener(listener)))
    }
}

impl SignalListener {
    /// The next signal. None means that the connection was lost and made anew, so
    /// that signals may have been missed.
    ///
    /// # Errors
    /// If the database is unavailable.
    pub async fn recv(&mut self) -> Result<Option<Signal>, StoreError> {
        let Some(notification) = self.0.try_recv().await? else {
            return Ok(None);
        };
        Ok(Signal::ALL
            .into_iter()
            .find(|signal| signal.channel() == notification.channel()))
    }
}
