//! A statement whose text is known at run time: optional filters and sets of values.

use super::{Tx, within};
use crate::domain::{
    AutomationId, DeliveryId, EventId, IntegrationId, OrgId, OutboxId, RunId, ScheduleId,
    Timestamp, TriggerId,
};
use crate::store::{PageRequest, StoreError};
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{Arguments, AssertSqlSafe, FromRow};
use uuid::Uuid;

/// A value that is bound.
#[derive(Clone, Debug)]
pub(in crate::store) enum Value {
    Id(Uuid),
    Number(i64),
    Text(String),
}

macro_rules! value_from {
    ($($type:ty => |$value:ident| $to:expr;)+) => {$(
        impl From<$type> for Value {
            fn from($value: $type) -> Self {
                $to
            }
        }
    )+};
}

value_from! {
    Uuid => |id| Self::Id(id);
    AutomationId => |id| Self::Id(id.0);
    DeliveryId => |id| Self::Id(id.0);
    EventId => |id| Self::Id(id.0);
    IntegrationId => |id| Self::Id(id.0);
    OutboxId => |id| Self::Id(id.0);
    RunId => |id| Self::Id(id.0);
    ScheduleId => |id| Self::Id(id.0);
    TriggerId => |id| Self::Id(id.0);
    Timestamp => |at| Self::Number(at.0);
    i64 => |number| Self::Number(number);
    &str => |text| Self::Text(text.to_owned());
    &String => |text| Self::Text(text.clone());
    &OrgId => |org| Self::Text(org.as_str().to_owned());
}

impl Value {
    fn add<'q, A: Arguments>(self, arguments: &mut A) -> Result<(), sqlx::Error>
    where
        Uuid: sqlx::Encode<'q, A::Database> + sqlx::Type<A::Database>,
        i64: sqlx::Encode<'q, A::Database> + sqlx::Type<A::Database>,
        String: sqlx::Encode<'q, A::Database> + sqlx::Type<A::Database>,
    {
        let added = match self {
            Self::Id(id) => arguments.add(id),
            Self::Number(number) => arguments.add(number),
            Self::Text(text) => arguments.add(text),
        };
        added.map_err(sqlx::Error::Encode)
    }
}

/// A type that is read from a row of either database.
pub(in crate::store) trait FromEither:
    for<'r> FromRow<'r, PgRow> + for<'r> FromRow<'r, SqliteRow> + Send + Unpin
{
}

impl<T> FromEither for T where
    T: for<'r> FromRow<'r, PgRow> + for<'r> FromRow<'r, SqliteRow> + Send + Unpin
{
}

#[derive(Clone, Debug)]
enum Part {
    Sql(&'static str),
    Value(Value),
    /// `= any(…)` on Postgres, where any number of values is the same statement; `in (…)`
    /// on SQLite.
    OneOf(Vec<Value>),
    /// A lock of rows, which SQLite does not need.
    Lock(&'static str),
}

/// A statement under construction. Only text that the program itself contains becomes text
/// of the statement; everything else is bound.
#[derive(Clone, Debug)]
pub(in crate::store) struct Query {
    parts: Vec<Part>,
}

impl Query {
    pub(in crate::store) fn new(sql: &'static str) -> Self {
        Self {
            parts: vec![Part::Sql(sql)],
        }
    }

    pub(in crate::store) fn push(mut self, sql: &'static str) -> Self {
        self.parts.push(Part::Sql(sql));
        self
    }

    /// Adds a place for `value`.
    pub(in crate::store) fn bind(mut self, value: impl Into<Value>) -> Self {
        self.parts.push(Part::Value(value.into()));
        self
    }

    /// Adds `and condition value`, where there is a value; `condition` ends in an operator.
    pub(in crate::store) fn and<V: Into<Value>>(
        self,
        condition: &'static str,
        value: Option<V>,
    ) -> Self {
        match value {
            Some(value) => self.push(" and ").push(condition).push(" ").bind(value),
            None => self,
        }
    }

    /// Locks the rows on Postgres.
    pub(in crate::store) fn lock(mut self, lock: &'static str) -> Self {
        self.parts.push(Part::Lock(lock));
        self
    }

    /// Compares the column that was pushed last with a set, which must not be empty.
    pub(in crate::store) fn one_of<V: Into<Value>>(
        mut self,
        values: impl IntoIterator<Item = V>,
    ) -> Self {
        let values = values.into_iter().map(Into::into);
        self.parts.push(Part::OneOf(values.collect()));
        self
    }

    /// Ends the statement: the rows of one page by `id`, newest first.
    pub(in crate::store) fn page(self, page: PageRequest) -> Self {
        self.push(" and id < ")
            .bind(page.before())
            .push(" order by id desc limit ")
            .bind(page.fetch())
    }

    pub(in crate::store) async fn all<R: FromEither>(
        self,
        tx: &mut Tx<'_>,
    ) -> Result<Vec<R>, StoreError> {
        let begin = match self.parts.first() {
            Some(Part::Sql(sql)) => *sql,
            _ => "",
        };
        let rows = match tx {
            Tx::Postgres(postgres) => {
                let (sql, arguments) = self.for_postgres()?;
                let query = sqlx::query_as_with(AssertSqlSafe(sql), arguments);
                let rows = query.fetch_all(&mut *postgres.connection);
                within(postgres.answer_max, rows).await
            }
            Tx::Sqlite(connection) => {
                let (sql, arguments) = self.for_sqlite()?;
                let query = sqlx::query_as_with(AssertSqlSafe(sql), arguments);
                let rows = query.fetch_all(&mut **connection).await;
                rows.map_err(StoreError::from)
            }
        };
        rows.map_err(|error| error.in_statement(begin))
    }

    /// Runs the statement; the number of rows that it changed.
    pub(in crate::store) async fn exec(self, tx: &mut Tx<'_>) -> Result<u64, StoreError> {
        match tx {
            Tx::Postgres(postgres) => {
                let (sql, arguments) = self.for_postgres()?;
                let query = sqlx::query_with(AssertSqlSafe(sql), arguments);
                let done = query.execute(&mut *postgres.connection);
                Ok(within(postgres.answer_max, done).await?.rows_affected())
            }
            Tx::Sqlite(connection) => {
                let (sql, arguments) = self.for_sqlite()?;
                let query = sqlx::query_with(AssertSqlSafe(sql), arguments);
                Ok(query.execute(&mut **connection).await?.rows_affected())
            }
        }
    }

    fn for_postgres(self) -> Result<(String, PgArguments), sqlx::Error> {
        let (mut sql, mut arguments) = (String::new(), PgArguments::default());
        for part in self.parts {
            match part {
                Part::Sql(text) => sql.push_str(text),
                Part::Value(value) => {
                    value.add(&mut arguments)?;
                    sql.push_str(&format!("${}", arguments.len()));
                }
                Part::OneOf(values) => {
                    add_array(values, &mut arguments)?;
                    sql.push_str(&format!(" = any(${})", arguments.len()));
                }
                Part::Lock(lock) => sql.extend([" ", lock]),
            }
        }
        Ok((sql, arguments))
    }

    fn for_sqlite(self) -> Result<(String, SqliteArguments), sqlx::Error> {
        let (mut sql, mut arguments) = (String::new(), SqliteArguments::default());
        for part in self.parts {
            match part {
                Part::Sql(text) => sql.push_str(text),
                Part::Value(value) => {
                    value.add(&mut arguments)?;
                    sql.push_str(&format!("${}", arguments.len()));
                }
                Part::OneOf(values) => {
                    let mut separator = " in (";
                    for value in values {
                        value.add(&mut arguments)?;
                        sql.push_str(&format!("{separator}${}", arguments.len()));
                        separator = ", ";
                    }
                    sql.push(')');
                }
                Part::Lock(_) => {}
            }
        }
        Ok((sql, arguments))
    }
}

/// Adds values of one kind as an array.
fn add_array(values: Vec<Value>, arguments: &mut PgArguments) -> Result<(), sqlx::Error> {
    let (mut ids, mut numbers, mut texts) = (Vec::new(), Vec::new(), Vec::new());
    for value in values {
        match value {
            Value::Id(id) => ids.push(id),
            Value::Number(number) => numbers.push(number),
            Value::Text(text) => texts.push(text),
        }
    }
    let added = match (ids.is_empty(), numbers.is_empty()) {
        (false, _) => arguments.add(ids),
        (_, false) => arguments.add(numbers),
        _ => arguments.add(texts),
    };
    added.map_err(sqlx::Error::Encode)
}
