//! SQLite and Postgres behind one type: how they are opened, and how a statement runs.
//!
//! Owns: connections, transactions, and the conversion of the domain's words to columns
//! and back. Never does: know a table.

mod batch;
mod codec;
mod lock;
mod open;
mod query;
mod row;
mod statement;
mod tried;
mod tx;

pub(super) use batch::{Column, InsertNew, arrays, bind_all, bind_one, columns, names};
pub(super) use codec::{Json, Micros};
pub(super) use open::{Db, Postgres};
pub use open::{Store, StoreOptions};
pub(super) use query::Query;
pub(super) use row::{insert, insert_sql, row, update, update_sql};
pub(super) use statement::{ByEngine, Sql, all, exec, locked, one, optional, statement};
pub(super) use tried::Tried;
pub(super) use tx::{Tx, within};
