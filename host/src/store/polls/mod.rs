//! Poll groups: kept in step with their triggers, claimed, and settled page by page.

mod claim;
mod groups;
mod read;
mod settle;

pub use claim::{ClaimedPoll, DuePoll, PollWork};
pub use read::PollAsked;
pub use settle::{AfterPage, PageSettled, PollDisposition, PollPageSettlement, PollSettled};

pub(super) use groups::{in_lock_order, regroup, regroup_all};
