//! SQLite and Postgres behind one type: how they are opened, and how a statement runs.
//!
//! Owns: connections, transactions, and the conversion of the domain's words to columns
//! and back. Never does: know a table.

mod batch;
mod codec;
mod crowd;
mod held;
mod lock;
mod migrate;
mod open;
mod options;
mod ping;
mod postgres;
mod query;
mod row;
mod share;
mod sqlite;
mod statement;
mod tried;
mod tx;

pub(super) use batch::{Column, InsertNew, UpdateEach, arrays, bind_all, bind_one, columns, names};
pub(super) use codec::{Json, Micros};
pub use crowd::{call_is_of, in_call};
pub(super) use open::Db;
pub use open::Store;
pub use options::StoreOptions;
pub(super) use query::Query;
pub(super) use row::{insert, insert_sql, row, update, update_sql};
pub use share::Share;
pub(super) use statement::{ByEngine, Sql, all, exec, locked, one, optional, statement};
pub(super) use tried::Tried;
pub(super) use tx::{Tx, within};
