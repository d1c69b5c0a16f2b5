//! What happens after the acknowledgement, and without one.
//!
//! Owns: the inbox worker (claim, parse, filter, decide, settle), the poll worker, the
//! clock, the dispatcher, which sends what is handed over, the end of runs whose time is
//! up, and the collector of what has grown old.
//! Never does: SQL, HTTP, or anything about a particular service.

mod address;
mod audience;
mod claimer;
mod collector;
mod decided;
mod dispatch;
mod finalizer;
mod load;
mod poll;
mod processor;
mod scheduler;
mod settler;
mod stop;

pub use claimer::{InboxContext, InboxWorker};
pub use collector::Collector;
pub use dispatch::{DispatchContext, Dispatcher};
pub use finalizer::Finalizer;
pub use poll::{PollContext, PollWorker};
pub use scheduler::Scheduler;
