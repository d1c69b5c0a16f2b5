//! Opens SQLite and Postgres, and closes them.

use super::options::StoreOptions;
use super::postgres::{self, Postgres};
use super::share::Share;
use super::sqlite::Sqlite;
use crate::signals::Signals;
use crate::store::StoreError;
use crate::store::outbox::Marks;
use std::sync::Arc;

/// A handle to the database; cheap to clone. It uses the connections of one [`Share`].
#[derive(Clone, Debug)]
pub struct Store {
    pub(in crate::store) db: Db,
    pub(super) signals: Signals,
    /// Where claims of messages start to look.
    pub(in crate::store) marks: Arc<Marks>,
}

#[derive(Clone, Debug)]
pub(in crate::store) enum Db {
    Postgres(Postgres),
    Sqlite(Sqlite),
}

impl Store {
    /// Opens the database at `url`; creates an SQLite file that is missing if the options
    /// allow it.
    ///
    /// # Errors
    /// If the URL names no supported database, or the database cannot be reached.
    pub async fn open(url: &str, options: &StoreOptions) -> Result<Self, StoreError> {
        let scheme = url.split(':').next().unwrap_or_default();
        let db = match scheme {
            "postgres" | "postgresql" => Db::Postgres(Postgres::open(url, options).await?),
            "sqlite" => Db::Sqlite(Sqlite::open(url, options).await?),
            _ => return Err(StoreError::Url(postgres::without_password(url))),
        };
        Ok(Self {
            marks: Arc::new(Marks::new(matches!(db, Db::Sqlite(_)))),
            signals: Signals::default(),
            db,
        })
    }

    /// The signals that its writes raise. A clone of the handle shares them; another handle
    /// hears of them only through the database.
    pub fn signals(&self) -> &Signals {
        &self.signals
    }

    /// The same database, through the connections of `share`.
    #[must_use]
    pub fn of(&self, share: Share) -> Self {
        let db = match &self.db {
            Db::Postgres(postgres) => Db::Postgres(postgres.of(share)),
            Db::Sqlite(sqlite) => Db::Sqlite(sqlite.of(share)),
        };
        Self {
            db,
            signals: self.signals.clone(),
            marks: Arc::clone(&self.marks),
        }
    }

    /// Closes idle connections that are broken or whose server takes no writes, after a call
    /// failed because of one: a restarted Postgres has broken them all.
    pub async fn discard_broken(&self) {
        if let Db::Postgres(postgres) = &self.db {
            postgres.discard_broken().await;
        }
    }

    /// `postgres` or `sqlite`.
    pub fn engine(&self) -> &'static str {
        match self.db {
            Db::Postgres(_) => "postgres",
            Db::Sqlite(_) => "sqlite",
        }
    }

    /// True if the database is a file of this machine.
    pub fn is_embedded(&self) -> bool {
        matches!(self.db, Db::Sqlite(_))
    }

    /// Closes all connections, those of other handles included.
    pub async fn close(&self) {
        match &self.db {
            Db::Postgres(postgres) => postgres.close().await,
            Db::Sqlite(sqlite) => sqlite.close().await,
        }
    }
}
