//! Poll groups: kept in step with their triggers, claimed, and settled page by page.

mod claim;
mod groups;
mod read;
mod settle;

pub use claim::{ClaimedPoll, PollWork};
pub use read::PollAsked;
pub use settle::{AfterPage, PollFailed, PollPageSettlement, PollSettled};

pub(super) use groups::{TimesRow, TimingRow, in_lock_order, regroup};
