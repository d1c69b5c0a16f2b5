//! The errors of the store, and their consequences.

use super::consequence::{self, Consequence};
use sqlx::error::DatabaseError;
use sqlx::postgres::PgDatabaseError;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// An error of the store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database cannot be reached, or takes no writes. A retry on another connection
    /// may succeed.
    #[error("the database is unavailable: {0}")]
    Unavailable(#[source] sqlx::Error),
    /// The database gave up a statement that waited or took too long, or had no room for
    /// it: a retry may succeed.
    #[error("the database is busy: {0}")]
    Busy(#[source] sqlx::Error),
    /// Other calls of the same organization hold all the connections that it may use.
    #[error(
        "too many calls of the organization take long: send fewer at the same time, or ask for less"
    )]
    Crowded,
    /// Another row has this value already.
    #[error("{what} is taken")]
    Taken {
        /// The value.
        what: &'static str,
    },
    /// The row refers to one that does not exist in this organization.
    #[error("no such {what}")]
    Missing {
        /// The kind of the row.
        what: &'static str,
    },
    /// A stored value that this version cannot read.
    #[error("{table}.{column} holds a value that cannot be read: {reason}")]
    Unreadable {
        /// The table.
        table: &'static str,
        /// The column, or its alias in the statement.
        column: String,
        /// The reason.
        reason: String,
    },
    /// A statement failed because of its values: a retry fails again.
    #[error("the database refused a statement: {0}")]
    Refused(#[source] sqlx::Error),
    /// The migrations could not be applied.
    #[error("cannot migrate the database: {0}")]
    Migrate(#[from] sqlx::migrate::MigrateError),
    /// The schema is for newer versions only.
    #[error(
        "this version is too old for the database: it knows migrations up to {newest}, and the \
         database needs a version that knows {needed}"
    )]
    Outdated {
        /// The newest migration that this version knows.
        newest: i64,
        /// The migration that a version has to know.
        needed: i64,
    },
    /// An SQLite file is missing that the options require.
    #[error("there is no database {}", .0.display())]
    NoFile(PathBuf),
    /// The URL names no supported database.
    #[error("expected a database URL like sqlite://triggerhouse.db or postgres://…, got {0:?}")]
    Url(String),
}

impl StoreError {
    /// True if a retry of the same call may succeed.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unavailable(_) | Self::Busy(_) | Self::Crowded)
    }

    /// True if the connection is of no more use, or its server is not.
    pub fn is_away(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }

    /// True if the server answers and takes no writes: it stays so until somebody changes
    /// that, or until another server has its address.
    pub fn is_read_only(&self) -> bool {
        let Self::Unavailable(sqlx::Error::Database(error)) = self else {
            return matches!(self, Self::Unavailable(sqlx::Error::Io(error)) if error.kind() == io::ErrorKind::ReadOnlyFilesystem);
        };
        error.code().as_deref() == Some("25006")
    }

    /// The server answers and takes no writes.
    pub(super) fn read_only() -> Self {
        let kind = io::ErrorKind::ReadOnlyFilesystem;
        Self::Unavailable(io::Error::new(kind, "the server takes no writes").into())
    }

    /// Postgres gave no answer within `limit`.
    pub(super) fn unanswered(limit: Duration) -> Self {
        let reason = format!("no answer within {} s", limit.as_secs());
        Self::Unavailable(io::Error::new(io::ErrorKind::TimedOut, reason).into())
    }

    /// True if the statement took too long, for this host or for the database.
    pub fn is_unanswered(&self) -> bool {
        match self {
            Self::Unavailable(sqlx::Error::Io(error)) => error.kind() == io::ErrorKind::TimedOut,
            // query_canceled: by statement_timeout.
            Self::Busy(sqlx::Error::Database(error)) => error.code().as_deref() == Some("57014"),
            _ => false,
        }
    }

    /// Turns the violation of a unique index into [`StoreError::Taken`].
    pub(super) fn or_taken(self, what: &'static str) -> Self {
        match &self {
            Self::Refused(sqlx::Error::Database(database)) if database.is_unique_violation() => {
                Self::Taken { what }
            }
            _ => self,
        }
    }

    pub(super) fn unreadable(
        table: &'static str,
        column: &'static str,
        reason: impl ToString,
    ) -> Self {
        Self::Unreadable {
            table,
            column: column.to_owned(),
            reason: reason.to_string(),
        }
    }

    /// Names the table of a value that a statement could not read: the first one outside of
    /// parentheses.
    pub(super) fn in_statement(self, sql: &'static str) -> Self {
        let mut depth = 0_i32;
        let mut words = sql.split_ascii_whitespace();
        let before = words.find(|word| {
            let is_outside = depth == 0;
            depth += word.bytes().filter(|byte| *byte == b'(').count() as i32;
            depth -= word.bytes().filter(|byte| *byte == b')').count() as i32;
            is_outside && matches!(*word, "from" | "into" | "update")
        });
        match (self, before.and_then(|_| words.next())) {
            (Self::Unreadable { column, reason, .. }, Some(table)) => Self::Unreadable {
                table,
                column,
                reason,
            },
            (error, _) => error,
        }
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::Database(database) => match consequence(database.as_ref()) {
                Consequence::Away => Self::Unavailable(error),
                Consequence::Busy => Self::Busy(error),
                Consequence::Refused => Self::Refused(error),
            },
            sqlx::Error::ColumnDecode { index, source } => Self::Unreadable {
                table: "a row",
                column: index.trim_matches('"').to_owned(),
                reason: source.to_string(),
            },
            sqlx::Error::Encode(_)
            | sqlx::Error::Decode(_)
            | sqlx::Error::ColumnNotFound(_)
            | sqlx::Error::RowNotFound => Self::Refused(error),
            _ => Self::Unavailable(error),
        }
    }
}

fn consequence(error: &dyn DatabaseError) -> Consequence {
    let Some(code) = error.code() else {
        return Consequence::Away;
    };
    match error.try_downcast_ref::<PgDatabaseError>() {
        Some(_) => consequence::of_postgres(&code),
        None => code
            .parse()
            .map_or(Consequence::Refused, consequence::of_sqlite),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unreadable_value_names_the_table_of_its_statement() {
        let table = |sql| match StoreError::unreadable("a row", "x", "why").in_statement(sql) {
            StoreError::Unreadable { table, .. } => table,
            error => panic!("{error}"),
        };
        assert_eq!(table("select id from runs where id = $1"), "runs");
        let nested = "select (select 1 from a) as b, c in (select 1 from d) from events e";
        assert_eq!(table(nested), "events");
        let claim = "with due as (select id from inbox) update outbox set x = 1 from due";
        assert_eq!(table(claim), "outbox");
        assert_eq!(table("select 1"), "a row");
    }
}
