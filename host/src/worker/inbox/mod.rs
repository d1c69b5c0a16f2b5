//! The inbox worker: claims deliveries, turns them into decided events, and settles them.
//!
//! Owns: the way of a delivery from its claim to its settlement. [`claimer`] claims a
//! share of each of the [`lanes`], as far as there is room [`in_flight`], and looks up the
//! [`recipients`]; [`opened`] unwraps envelopes and finds the account; [`processor`] parses,
//! filters and decides behind a fair [`gate`]; [`settler`] writes, a [`large`]
//! delivery part by part. [`keeper`] keeps the hold on all of it.
//! Never does: SQL, HTTP, or anything about a particular service.
//!
//! An attempt ends in one of two types. A provider that yields no events returns a
//! [`ParseFailure`](crate::provider::ParseFailure). Everything that is written is a
//! [`Settlement`](crate::store::Settlement); no settlement means that the claim is given
//! back.

mod attempt;
mod batch;
mod claimer;
mod context;
mod gate;
mod in_flight;
mod keeper;
mod lanes;
mod large;
mod opened;
mod processor;
mod recipients;
mod settled;
mod settler;
mod work;

pub use claimer::InboxWorker;
pub use context::InboxContext;
