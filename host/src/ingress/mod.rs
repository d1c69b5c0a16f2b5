//! Takes webhooks: route, size limit, verification, commit, 200.
//!
//! Owns: `/webhooks/…` and `/api/webhooks/…`, the table of routes that this process
//! knows, and the one writer that commits what concurrent requests brought.
//! Never does: run a guest, look at triggers' configurations, or answer 200 before
//! the commit.

mod body;
mod delivery;
mod github_app;
mod handler;
mod lifecycle;
mod nango;
mod rate;
mod routes;
mod target;
mod writer;

pub use body::ReadingRoom;
pub use delivery::IngressState;
pub use handler::router;
pub use rate::RateLimits;
pub use routes::RouteTable;
pub use target::app_secrets;
pub use writer::{InboxWriter, WriteError};
