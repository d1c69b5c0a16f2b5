//! Everything that happens without a request: deliveries become runs, services are
//! polled, clocks fire, runs are handed to sinks, and old rows are deleted.
//!
//! Owns: one room or file per step. `inbox/` claims, parses, filters, decides and settles
//! deliveries. `poll/` asks services, page by page. `dispatch/` sends outbox messages to
//! sinks. `scheduler.rs` fires ticks, `finalizer.rs` times runs out, `collector.rs`
//! enforces retention.
//! Never does: SQL, HTTP, or anything about a particular service.

mod collector;
mod dispatch;
mod finalizer;
mod halves;
mod inbox;
mod parts;
mod patience;
mod poll;
mod scheduler;

pub use collector::Collector;
pub use dispatch::{DispatchContext, Dispatcher};
pub use finalizer::Finalizer;
pub use inbox::{InboxContext, InboxWorker};
pub use poll::{PollContext, PollWorker};
pub use scheduler::Scheduler;
