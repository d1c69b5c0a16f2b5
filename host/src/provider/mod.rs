//! Providers: WebAssembly components behind the contract in `wit/`, and the sandbox that
//! runs them.
//!
//! Owns: the engine and its limits, the versions of the contract, the imports of guests, the
//! registry, the requests of guests that poll (through `egress`), and the checks on
//! everything that a guest returns.
//! Never does: store anything, or decide about an event. It knows no provider by name, hands
//! no secret to a guest, and trusts no value of a guest.
//!
//! A delivery: [`Registry::get`] → [`Provider::open`] → [`Session::parse`] and
//! [`Session::matches`] in one fresh instance, which is then dropped. A poll:
//! [`Provider::open_poll`] → [`Session::poll`] and [`Session::matches`].

mod cache;
mod component;
mod contract;
mod description;
mod engine;
mod error;
mod events;
mod failure;
mod fetcher;
mod guest;
mod instance;
mod limiter;
mod limits;
mod load_refusal;
mod meter;
mod output;
mod page;
#[expect(clippy::module_inception, reason = "the file is named after its type")]
mod provider;
mod registration;
mod registry;
mod schema;
mod session;
mod sources;
mod state;

pub use cache::{Cache, CodeOrigin};
pub use engine::{Engine, EngineError};
pub use error::{Consequence, GuestError, TrapKind};
pub use failure::{ParseFailure, PollFailure};
pub use fetcher::PollAccess;
pub use instance::CallStats;
pub use limits::{EngineLimits, LOG_LINE_BYTES_MAX, LOG_LINES_MAX, TICK};
pub use load_refusal::{LoadError, LoadRefusal};
pub use provider::Provider;
pub use registration::RegistryEntry;
pub use registry::{Registry, RegistryError};
pub use schema::ConfigError;
pub use session::Session;
pub use state::CallContext;
