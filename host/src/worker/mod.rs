//! What happens after the acknowledgement.
//!
//! Owns: the inbox worker: claim, parse, filter, decide, settle.
//! Never does: SQL, HTTP, or anything about a particular service.

mod address;
mod audience;
mod claimer;
mod decided;
mod load;
mod processor;
mod scheduler;
mod settler;
mod stop;

pub use claimer::{InboxWorker, WorkerContext};
pub use scheduler::Scheduler;
