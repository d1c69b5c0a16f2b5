//! The inbox worker: claims deliveries, turns them into decided events, and settles them.
//!
//! Owns: the way of a delivery from its claim to its settlement. [`claimer`] claims a
//! batch and looks up its [`recipients`]; [`opened`] unwraps envelopes and finds the
//! account; [`processor`] parses, filters and decides; [`settler`] writes.
//! Never does: SQL, HTTP, or anything about a particular service.
//!
//! An attempt ends in one of two types. A provider that yields no events returns a
//! [`ParseFailure`](crate::provider::ParseFailure). Everything that is written is a
//! [`Settlement`](crate::store::Settlement); no settlement means that the claim is given
//! back.

mod attempt;
mod batch;
mod body_budget;
mod claimer;
mod context;
mod opened;
mod processor;
mod recipients;
mod settler;

pub use claimer::InboxWorker;
pub use context::InboxContext;
