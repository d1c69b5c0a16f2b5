//! A row as a list of its columns, written once: read, inserted or changed.

/// Reads a type from a row by one list of columns, which it also offers as `COLUMNS`, the
/// text of a select list.
///
/// Each entry is the name of a field. `= "column"` follows where the column is called
/// otherwise, `as Wrapper` where a type of another crate is read through a type of
/// `codec.rs`, and `opt Wrapper` where that may be null:
/// `row!(RunState { status, inactivity = "inactivity_us" opt Micros, result opt Json });`
macro_rules! row {
    ($type:ident { $first:ident $(= $first_column:literal)? $(as $first_wrapper:ident)? $(opt $first_option:ident)?
        $(, $field:ident $(= $column:literal)? $(as $wrapper:ident)? $(opt $option:ident)?)* $(,)? }) => {
        impl $type {
            /// The columns that a row of this type is read from.
            #[allow(dead_code, reason = "a query that joins or computes writes its own list")]
            pub(in crate::store) const COLUMNS: &'static str = concat!(
                $crate::store::db::row!(@column $first $($first_column)?)
                $(, ", ", $crate::store::db::row!(@column $field $($column)?))*
            );
        }
        $crate::store::db::row!(@impl sqlx::postgres::PgRow, $type,
            [$first ($($first_column)?) $(as $first_wrapper)? $(opt $first_option)?]
            $([$field ($($column)?) $(as $wrapper)? $(opt $option)?])*);
        $crate::store::db::row!(@impl sqlx::sqlite::SqliteRow, $type,
            [$first ($($first_column)?) $(as $first_wrapper)? $(opt $first_option)?]
            $([$field ($($column)?) $(as $wrapper)? $(opt $option)?])*);
    };
    (@impl $row:ty, $type:ident, $([$field:ident ($($column:literal)?) $($wrapper:tt)*])*) => {
        impl<'r> sqlx::FromRow<'r, $row> for $type {
            fn from_row(row: &'r $row) -> Result<Self, sqlx::Error> {
                Ok(Self {
                    $($field: $crate::store::db::row!(
                        @get row, $crate::store::db::row!(@column $field $($column)?), $($wrapper)*
                    ),)*
                })
            }
        }
    };
    (@column $field:ident) => { stringify!($field) };
    (@column $field:ident $column:literal) => { $column };
    (@get $row:ident, $column:expr,) => { sqlx::Row::try_get($row, $column)? };
    (@get $row:ident, $column:expr, as $wrapper:ident) => {
        sqlx::Row::try_get::<$crate::store::db::$wrapper<_>, _>($row, $column)?.0
    };
    (@get $row:ident, $column:expr, opt $wrapper:ident) => {
        sqlx::Row::try_get::<Option<$crate::store::db::$wrapper<_>>, _>($row, $column)?
            .map(|wrapped| wrapped.0)
    };
}

/// Inserts one row: `insert!(tx, "sinks" { id: sink.id, org_id: org }, "on conflict …")`.
/// Returns the number of rows inserted.
macro_rules! insert {
    ($tx:expr, $table:literal { $($column:ident: $value:expr),+ $(,)? } $(, $rest:literal)?) => {{
        static SQL: std::sync::LazyLock<String> = std::sync::LazyLock::new(|| {
            $crate::store::db::insert_sql($table, &[$(stringify!($column)),+], concat!($($rest)?))
        });
        $crate::store::db::exec!($tx, SQL.as_str() $(, $value)+)
    }};
}

/// Changes rows: `update!(tx, "sinks" set { url: url } where { id: id }, "and enabled")`.
/// Returns the number of rows changed.
macro_rules! update {
    ($tx:expr, $table:literal set { $($column:ident: $value:expr),+ $(,)? }
        where { $($key:ident: $is:expr),+ $(,)? } $(, $rest:literal)?) => {{
        static SQL: std::sync::LazyLock<String> = std::sync::LazyLock::new(|| {
            $crate::store::db::update_sql(
                $table,
                &[$(stringify!($column)),+],
                &[$(stringify!($key)),+],
                concat!($($rest)?),
            )
        });
        $crate::store::db::exec!($tx, SQL.as_str() $(, $value)+ $(, $is)+)
    }};
}

pub(in crate::store) use {insert, row, update};

/// `insert into table (a, b) values ($1, $2) rest`.
pub(in crate::store) fn insert_sql(table: &str, columns: &[&str], rest: &str) -> String {
    let places: Vec<String> = (1..=columns.len()).map(|n| format!("${n}")).collect();
    let (columns, places) = (columns.join(", "), places.join(", "));
    format!("insert into {table} ({columns}) values ({places}) {rest}")
}

/// `update table set a = $1, b = $2 where c = $3 rest`.
pub(in crate::store) fn update_sql(
    table: &str,
    columns: &[&str],
    keys: &[&str],
    rest: &str,
) -> String {
    let equal = |names: &[&str], first: usize, separator: &str| {
        let pairs = names.iter().zip(first..);
        let pairs: Vec<String> = pairs.map(|(name, n)| format!("{name} = ${n}")).collect();
        pairs.join(separator)
    };
    let set = equal(columns, 1, ", ");
    let keys = equal(keys, columns.len() + 1, " and ");
    format!("update {table} set {set} where {keys} {rest}")
}
