//! Rows that may be unreadable, one by one.

use sqlx::{ColumnIndex, Decode, FromRow, Row, Type};
use uuid::Uuid;

/// A row that was read, or the reason why it cannot be. A query for plain rows fails as
/// a whole when one of them is unreadable; here such a row holds up no other.
pub(in crate::store) struct Tried<T> {
    pub(in crate::store) id: Uuid,
    pub(in crate::store) row: Result<T, sqlx::Error>,
}

impl<'r, R: Row, T: FromRow<'r, R>> FromRow<'r, R> for Tried<T>
where
    Uuid: Decode<'r, R::Database> + Type<R::Database>,
    &'static str: ColumnIndex<R>,
{
    fn from_row(row: &'r R) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: row.try_get("id")?,
            row: T::from_row(row),
        })
    }
}
