//! What happens after the acknowledgement.
//!
//! Owns: the inbox worker (claim, parse, filter, decide, settle), the clock, and the
//! end of runs whose time is up.
//! Never does: SQL, HTTP, or anything about a particular service.

mod address;
mod audience;
mod claimer;
mod decided;
mod finalizer;
mod load;
mod processor;
mod scheduler;
mod settler;
mod stop;

pub use claimer::{InboxWorker, WorkerContext};
pub use finalizer::Finalizer;
pub use scheduler::Scheduler;
