//! Providers: WebAssembly components behind the contract in `wit/`, and the
//! sandbox in which they run.
//!
//! Owns: the engine and its limits, the versions of the contract, what guests may
//! import, the registry, HTTP on behalf of guests that poll (and the host's own by the
//! same rules), and the checks on everything that a guest returns.
//! Never does: storage, or deciding what an event means. Knows no provider by name,
//! hands no secret to a guest, and trusts nothing that one says.
//!
//! The way of a call: [`Registry::get`] → [`Provider::open`] → [`Session::parse`]
//! and [`Session::matches`] in that one fresh instance → dropped. Of a poll:
//! [`Provider::open_poll`] → [`Session::poll`] and [`Session::matches`] → dropped.

mod cache;
mod component;
mod contract;
mod description;
mod engine;
mod error;
mod events;
mod fetcher;
mod instance;
mod limiter;
mod limits;
mod meter;
mod output;
mod page;
mod refusal;
mod registered;
mod registration;
mod registry;
mod schema;
mod session;
mod sources;
mod state;

pub use cache::{Cache, CodeOrigin};
pub use engine::{Engine, EngineError};
pub use error::{Consequence, GuestError, ParseFailure, PollFailure, TrapKind};
pub use fetcher::PollAccess;
pub use instance::CallStats;
pub use limits::{EngineLimits, LOG_LINE_BYTES_MAX, LOG_LINES_MAX, TICK};
pub use refusal::{LoadError, LoadRefusal};
pub use registered::Provider;
pub use registration::RegistryEntry;
pub use registry::{Registry, RegistryError};
pub use schema::ConfigError;
pub use session::Session;
pub use state::CallContext;
