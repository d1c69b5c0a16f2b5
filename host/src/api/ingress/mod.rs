//! Takes webhooks: route, size limit, verification, commit, 200.
//!
//! Owns: `/webhooks/…`, the table of routes that this process knows, and the one
//! writer that commits what concurrent requests brought.
//! Never does: run a guest, look at triggers' configurations, or answer 200 before
//! the commit.

mod body;
mod delivery;
mod handler;
mod routes;
mod target;
mod writer;

pub use body::ReadingRoom;
pub use delivery::IngressState;
pub use handler::router;
pub use routes::RouteTable;
pub use target::app_secrets;
pub use writer::{InboxWriter, WriteError};
