//! One statement on a [`Tx`](super::Tx), written once for both databases.
//!
//! `exec!` returns the number of rows that it changed, `one!`, `optional!` and `all!`
//! return rows, or with `scalar` before the type the value of the only column.
//!
//! ```ignore
//! exec!(tx, "update sinks set url = $1 where id = $2", url, id)?;
//! let run = optional!(tx, Run, RUN_OF_EVENT, org, event)?;
//! let due = one!(tx, scalar i64, "select min(due_at) from inbox")?;
//! ```

/// The text of a statement, which may differ in what only one database knows.
pub(in crate::store) trait Sql {
    fn postgres(&self) -> &'static str;
    fn sqlite(&self) -> &'static str;
}

impl Sql for &'static str {
    fn postgres(&self) -> &'static str {
        self
    }

    fn sqlite(&self) -> &'static str {
        self
    }
}

/// A statement that differs between the databases.
#[derive(Clone, Copy, Debug)]
pub(in crate::store) struct ByEngine {
    pub(in crate::store) postgres: &'static str,
    pub(in crate::store) sqlite: &'static str,
}

impl Sql for ByEngine {
    fn postgres(&self) -> &'static str {
        self.postgres
    }

    fn sqlite(&self) -> &'static str {
        self.sqlite
    }
}

/// A statement that locks rows on Postgres: `locked!("select …", "for update")`; text after
/// the lock is the third argument. SQLite has one writer and needs no locks.
macro_rules! locked {
    ($sql:expr, $lock:literal) => {
        $crate::store::db::locked!($sql, $lock, "")
    };
    ($sql:expr, $lock:literal, $rest:expr) => {
        $crate::store::db::ByEngine {
            postgres: constcat::concat!($sql, " ", $lock, " ", $rest),
            sqlite: constcat::concat!($sql, " ", $rest),
        }
    };
}

macro_rules! statement {
    ($tx:expr, $query:path, $sql:expr, [$($bind:expr),*], $fetch:ident) => {{
        use $crate::store::db::Sql as _;
        let result = match &mut *$tx {
            $crate::store::db::Tx::Postgres(postgres) => {
                let statement = $query($sql.postgres())$(.bind($bind))*;
                let answer = statement.$fetch(&mut *postgres.connection);
                $crate::store::db::within(postgres.answer_max, answer).await
            }
            $crate::store::db::Tx::Sqlite(connection) => {
                let statement = $query($sql.sqlite())$(.bind($bind))*;
                statement.$fetch(&mut **connection).await.map_err($crate::store::StoreError::from)
            }
        };
        result.map_err(|error| error.in_statement($sql.sqlite()))
    }};
}

macro_rules! exec {
    ($tx:expr, $sql:expr $(, $bind:expr)* $(,)?) => {{
        match &mut *$tx {
            $crate::store::db::Tx::Postgres(postgres) => {
                let statement = sqlx::query($crate::store::db::Sql::postgres(&$sql))$(.bind($bind))*;
                let answer = statement.execute(&mut *postgres.connection);
                let done = $crate::store::db::within(postgres.answer_max, answer).await;
                done.map(|done| done.rows_affected())
            }
            $crate::store::db::Tx::Sqlite(connection) => {
                let statement = sqlx::query($crate::store::db::Sql::sqlite(&$sql))$(.bind($bind))*;
                let done = statement.execute(&mut **connection).await;
                done.map(|done| done.rows_affected()).map_err($crate::store::StoreError::from)
            }
        }
    }};
}

/// Exactly one row.
macro_rules! one {
    ($tx:expr, scalar $type:ty, $sql:expr $(, $bind:expr)* $(,)?) => {
        $crate::store::db::statement!($tx, sqlx::query_scalar::<_, $type>, $sql, [$($bind),*], fetch_one)
    };
    ($tx:expr, $row:ty, $sql:expr $(, $bind:expr)* $(,)?) => {
        $crate::store::db::statement!($tx, sqlx::query_as::<_, $row>, $sql, [$($bind),*], fetch_one)
    };
}

/// The first row, if there is any.
macro_rules! optional {
    ($tx:expr, scalar $type:ty, $sql:expr $(, $bind:expr)* $(,)?) => {
        $crate::store::db::statement!($tx, sqlx::query_scalar::<_, $type>, $sql, [$($bind),*], fetch_optional)
    };
    ($tx:expr, $row:ty, $sql:expr $(, $bind:expr)* $(,)?) => {
        $crate::store::db::statement!($tx, sqlx::query_as::<_, $row>, $sql, [$($bind),*], fetch_optional)
    };
}

/// Every row.
macro_rules! all {
    ($tx:expr, scalar $type:ty, $sql:expr $(, $bind:expr)* $(,)?) => {
        $crate::store::db::statement!($tx, sqlx::query_scalar::<_, $type>, $sql, [$($bind),*], fetch_all)
    };
    ($tx:expr, $row:ty, $sql:expr $(, $bind:expr)* $(,)?) => {
        $crate::store::db::statement!($tx, sqlx::query_as::<_, $row>, $sql, [$($bind),*], fetch_all)
    };
}

pub(in crate::store) use {all, exec, locked, one, optional, statement};
