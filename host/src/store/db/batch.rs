//! Many rows in one statement, by one list of columns.
//!
//! Postgres takes an array for each column, so that any number of rows costs one round
//! trip. SQLite takes one row after the other, which costs it a call and no round trip.

use super::{Tx, insert_sql, within};
use crate::store::StoreError;
use sqlx::postgres::PgArguments;
use sqlx::sqlite::SqliteArguments;
use uuid::Uuid;

/// A column of a batch.
pub(in crate::store) struct Column<T> {
    pub(in crate::store) name: &'static str,
    /// The type of an array's elements on Postgres.
    pub(in crate::store) element: &'static str,
    pub(in crate::store) bind_all: fn(&mut PgArguments, &[T]) -> Result<(), sqlx::Error>,
    pub(in crate::store) bind_one: fn(&mut SqliteArguments, &T) -> Result<(), sqlx::Error>,
}

/// The columns of a batch: `columns!(PackedDelivery { id: uuid = |d| d.id.0, … })`.
macro_rules! columns {
    ($row:ty { $($name:ident: $element:ident = |$item:ident| $value:expr),+ $(,)? }) => {
        [$($crate::store::db::Column::<$row> {
            name: stringify!($name),
            element: stringify!($element),
            bind_all: |arguments, rows| {
                let column: Vec<_> = rows.iter().map(|$item| $value).collect();
                sqlx::Arguments::add(arguments, column).map_err(sqlx::Error::Encode)
            },
            bind_one: |arguments, $item| {
                sqlx::Arguments::add(arguments, $value).map_err(sqlx::Error::Encode)
            },
        }),+]
    };
}

pub(in crate::store) use columns;

/// The names of columns, separated by commas.
pub(in crate::store) fn names<T>(columns: &[Column<T>]) -> String {
    let names: Vec<&str> = columns.iter().map(|column| column.name).collect();
    names.join(", ")
}

/// `$n::type[]` for each column; the first one is number `first`.
pub(in crate::store) fn arrays<T>(columns: &[Column<T>], first: usize) -> String {
    let arrays = columns.iter().zip(first..);
    let arrays: Vec<String> = arrays
        .map(|(column, n)| format!("${n}::{}[]", column.element))
        .collect();
    arrays.join(", ")
}

/// Binds one array for each column.
pub(in crate::store) fn bind_all<T>(
    arguments: &mut PgArguments,
    columns: &[Column<T>],
    rows: &[T],
) -> Result<(), sqlx::Error> {
    columns
        .iter()
        .try_for_each(|column| (column.bind_all)(arguments, rows))
}

/// The values of one row.
pub(in crate::store) fn bind_one<T>(
    columns: &[Column<T>],
    row: &T,
) -> Result<SqliteArguments, sqlx::Error> {
    let mut arguments = SqliteArguments::default();
    columns
        .iter()
        .try_for_each(|column| (column.bind_one)(&mut arguments, row))?;
    Ok(arguments)
}

/// An insert of many rows that leaves out those whose key is taken.
pub(in crate::store) struct InsertNew {
    postgres: String,
    sqlite: String,
}

impl InsertNew {
    /// `conflict` is empty, or names the unique index and its condition.
    pub(in crate::store) fn into<T>(table: &str, columns: &[Column<T>], conflict: &str) -> Self {
        let rest = format!("on conflict {conflict} do nothing returning id");
        let (names, arrays) = (names(columns), arrays(columns, 1));
        let list: Vec<&str> = columns.iter().map(|column| column.name).collect();
        Self {
            postgres: format!(
                "insert into {table} ({names})
                 select {names} from unnest({arrays}) as d ({names}) {rest}"
            ),
            sqlite: insert_sql(table, &list, &rest),
        }
    }

    /// Inserts the rows; the ids of those that are new.
    pub(in crate::store) async fn run<T>(
        &'static self,
        tx: &mut Tx<'_>,
        columns: &[Column<T>],
        rows: &[T],
    ) -> Result<Vec<Uuid>, StoreError> {
        match tx {
            Tx::Postgres(postgres) => {
                let mut arguments = PgArguments::default();
                bind_all(&mut arguments, columns, rows)?;
                let insert = sqlx::query_scalar_with(self.postgres.as_str(), arguments);
                within(
                    postgres.answer_max,
                    insert.fetch_all(&mut *postgres.connection),
                )
                .await
            }
            Tx::Sqlite(connection) => {
                let mut inserted = Vec::with_capacity(rows.len());
                for row in rows {
                    let arguments = bind_one(columns, row)?;
                    let insert =
                        sqlx::query_scalar_with::<_, Uuid, _>(self.sqlite.as_str(), arguments);
                    inserted.extend(insert.fetch_optional(&mut **connection).await?);
                }
                Ok(inserted)
            }
        }
    }
}

/// An update of many rows, each with values of its own. The first column is the key.
pub(in crate::store) struct UpdateEach {
    postgres: String,
    sqlite: String,
}

impl UpdateEach {
    pub(in crate::store) fn of<T>(table: &str, columns: &[Column<T>]) -> Self {
        let (names, arrays) = (names(columns), arrays(columns, 1));
        let key = columns.first().map_or("", |column| column.name);
        let set = |value: &dyn Fn(usize, &str) -> String| {
            let columns = columns.iter().enumerate().skip(1);
            let set = columns.map(|(n, c)| format!("{} = {}", c.name, value(n + 1, c.name)));
            set.collect::<Vec<_>>().join(", ")
        };
        let (from_row, from_place) = (
            set(&|_, name| format!("r.{name}")),
            set(&|n, _| format!("${n}")),
        );
        Self {
            postgres: format!(
                "update {table} set {from_row} from unnest({arrays}) as r ({names})
                 where {table}.{key} = r.{key}"
            ),
            sqlite: format!("update {table} set {from_place} where {key} = $1"),
        }
    }

    pub(in crate::store) async fn run<T>(
        &'static self,
        tx: &mut Tx<'_>,
        columns: &[Column<T>],
        rows: &[T],
    ) -> Result<(), StoreError> {
        if rows.is_empty() {
            return Ok(());
        }
        match tx {
            Tx::Postgres(postgres) => {
                let mut arguments = PgArguments::default();
                bind_all(&mut arguments, columns, rows)?;
                let update = sqlx::query_with(self.postgres.as_str(), arguments);
                let update = update.execute(&mut *postgres.connection);
                within(postgres.answer_max, update).await?;
            }
            Tx::Sqlite(connection) => {
                for row in rows {
                    let update = sqlx::query_with(self.sqlite.as_str(), bind_one(columns, row)?);
                    update.execute(&mut **connection).await?;
                }
            }
        }
        Ok(())
    }
}
