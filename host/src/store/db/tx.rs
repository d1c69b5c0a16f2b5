//! A connection as a value, for the length of one read or one transaction.
//!
//! Owns: how a transaction begins and ends, the signals that follow its commit, and the time
//! limit of each statement.
//! A helper of the store is a function that takes `&mut Tx`; the macros in
//! `statement.rs` run one statement on it.

use super::{Db, Store};
use crate::signals::Signal;
use crate::store::StoreError;
use sqlx::{Connection as _, PgConnection, SqliteConnection};
use std::collections::HashSet;
use std::ops::{Deref, DerefMut};
use std::time::Duration;

/// A connection that the caller has to itself: a transaction inside [`Store::write`],
/// single statements inside [`Store::read`].
pub(in crate::store) enum Tx<'c> {
    Postgres(PostgresTx<'c>),
    Sqlite(SqliteTx<'c>),
}

/// Postgres may be gone without a word, so every statement has a time limit.
pub(in crate::store) struct PostgresTx<'c> {
    pub(in crate::store) connection: &'c mut PgConnection,
    pub(in crate::store) answer_max: Duration,
    concerned: HashSet<Signal>,
}

/// A connection to SQLite, which it derefs to.
pub(in crate::store) struct SqliteTx<'c> {
    connection: &'c mut SqliteConnection,
    concerned: HashSet<Signal>,
}

impl Deref for SqliteTx<'_> {
    type Target = SqliteConnection;

    fn deref(&self) -> &SqliteConnection {
        self.connection
    }
}

impl DerefMut for SqliteTx<'_> {
    fn deref_mut(&mut self) -> &mut SqliteConnection {
        self.connection
    }
}

/// Waits for Postgres no longer than `limit`.
pub(in crate::store) async fn within<T>(
    limit: Duration,
    answer: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, StoreError> {
    match tokio::time::timeout(limit, answer).await {
        Ok(answer) => Ok(answer?),
        Err(_) => Err(StoreError::unanswered(limit)),
    }
}

impl<'c> Tx<'c> {
    fn postgres(connection: &'c mut PgConnection, answer_max: Duration) -> Self {
        Self::Postgres(PostgresTx {
            connection,
            answer_max,
            concerned: HashSet::new(),
        })
    }

    fn sqlite(connection: &'c mut SqliteConnection) -> Self {
        Self::Sqlite(SqliteTx {
            connection,
            concerned: HashSet::new(),
        })
    }

    /// Ends the use of the connection; the signals to raise after the commit.
    fn concerned(self) -> HashSet<Signal> {
        match self {
            Self::Postgres(postgres) => postgres.concerned,
            Self::Sqlite(sqlite) => sqlite.concerned,
        }
    }
}

impl Tx<'_> {
    /// Raises a signal once this transaction is committed, and only then.
    pub(in crate::store) fn concerns(&mut self, signal: Signal) {
        match self {
            Self::Postgres(postgres) => postgres.concerned.insert(signal),
            Self::Sqlite(sqlite) => sqlite.concerned.insert(signal),
        };
    }

    /// Lets the commit return before Postgres has flushed it to disk. Only for work
    /// that is done again when a crash of the database loses it.
    pub(in crate::store) async fn commit_without_flush(&mut self) -> Result<(), StoreError> {
        if let Tx::Postgres(postgres) = self {
            let set = sqlx::query("set local synchronous_commit = off");
            within(postgres.answer_max, set.execute(&mut *postgres.connection)).await?;
        }
        Ok(())
    }
}

impl Store {
    /// Runs `body` on a connection for reading. Each of its statements sees the
    /// database as it is when that statement begins.
    pub(in crate::store) async fn read<T>(
        &self,
        body: impl AsyncFnOnce(&mut Tx<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        match &self.db {
            Db::Postgres(postgres) => {
                let answer_max = postgres.answer_max();
                let on = async |connection: &mut PgConnection| {
                    body(&mut Tx::postgres(connection, answer_max)).await
                };
                postgres.hold(on).await
            }
            Db::Sqlite(sqlite) => {
                let on = async |connection: &mut SqliteConnection| {
                    body(&mut Tx::sqlite(connection)).await
                };
                sqlite.hold_to_read(on).await
            }
        }
    }

    /// Like [`Store::write`], for a body that runs a single statement on Postgres: that is
    /// a transaction by itself and saves the round trips of `begin` and `commit`.
    pub(in crate::store) async fn write_once<T>(
        &self,
        body: impl AsyncFnOnce(&mut Tx<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let Db::Postgres(postgres) = &self.db else {
            return self.write(body).await;
        };
        let answer_max = postgres.answer_max();
        let on = async |connection: &mut PgConnection| {
            let mut tx = Tx::postgres(connection, answer_max);
            let done = body(&mut tx).await?;
            Ok((done, tx.concerned()))
        };
        let (done, concerned) = postgres.hold(on).await?;
        self.raise(concerned);
        Ok(done)
    }

    /// Runs `body` in a transaction: committed if it returns `Ok`, rolled back
    /// otherwise. Then it raises the signals of the transaction.
    pub(in crate::store) async fn write<T>(
        &self,
        body: impl AsyncFnOnce(&mut Tx<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let (done, concerned) = match &self.db {
            Db::Postgres(postgres) => {
                let answer_max = postgres.answer_max();
                let in_transaction = async |connection: &mut PgConnection| {
                    let mut transaction = within(answer_max, connection.begin()).await?;
                    let mut tx = Tx::postgres(&mut transaction, answer_max);
                    let done = body(&mut tx).await?;
                    let concerned = tx.concerned();
                    within(answer_max, transaction.commit()).await?;
                    Ok((done, concerned))
                };
                postgres.hold(in_transaction).await?
            }
            Db::Sqlite(sqlite) => {
                let in_transaction = async |connection: &mut SqliteConnection| {
                    let mut tx = Tx::sqlite(connection);
                    let done = body(&mut tx).await?;
                    Ok((done, tx.concerned()))
                };
                sqlite.hold_to_write(in_transaction).await?
            }
        };
        self.raise(concerned);
        Ok(done)
    }

    fn raise(&self, concerned: HashSet<Signal>) {
        for signal in concerned {
            self.signals.raise(signal);
        }
    }
}
