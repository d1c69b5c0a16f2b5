//! The outbox. `claim.rs` claims messages and `lease.rs` ends a claim; `marks.rs` and `due.rs`
//! say where and when a claim looks, `dead_letters.rs` has what people see and do.

mod claim;
mod dead_letters;
pub(super) mod due;
mod lease;
mod marks;
mod waiting;

pub(super) use claim::{Lease, claim, claim_sql};
pub(super) use dead_letters::SHOWN_DUE_AT;
pub use dead_letters::{UndeliveredChange, UndeliveredFilter, UndeliveredOutcome};
pub(super) use marks::Marks;
