//! Takes webhooks: route, size limit, verification, commit, 200.
//!
//! Owns: `/webhooks/…` and `/api/webhooks/…`, the cache of routes, and the one writer
//! that commits what concurrent requests brought.
//! Never does: run a guest, read a trigger's configuration, or answer 200 before the
//! commit.
//!
//! A delivery's path: a handler names its `WebhookUrl` →
//! `Door::admit` finds the sender, reads the body, verifies the signature and takes
//! from the quotas → `Admitted` → `Door::commit` →
//! [`InboxWriter`].

mod admitted;
mod answers;
mod body_reader;
mod door;
mod github_app;
mod handlers;
mod incoming;
mod nango;
mod news;
mod rates;
mod route_cache;
mod senders;
mod webhook_url;
mod writer;

pub use door::Door;
pub use handlers::router;
pub use rates::RateLimits;
pub use route_cache::RouteCache;
pub use writer::{InboxWriter, WriteError};
