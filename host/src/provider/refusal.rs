//! Why a component is not loaded. Every refusal says what is wrong and, where a
//! choice exists, what would be right.

use crate::provider::error::GuestError;
use std::path::PathBuf;

/// A component that is not loaded.
#[derive(Debug, thiserror::Error)]
#[error("{}: {refusal}", path.display())]
pub struct LoadError {
    /// The component's file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub refusal: LoadRefusal,
}

/// What is wrong with a component.
#[derive(Debug, thiserror::Error)]
pub enum LoadRefusal {
    /// It cannot be read.
    #[error("cannot be read: {0}")]
    Unreadable(#[from] std::io::Error),
    /// It is not what the operator pinned.
    #[error("its sha256 is {found}, but the registry pins {pinned}")]
    DigestMismatch {
        /// The file's digest.
        found: String,
        /// The registry's.
        pinned: String,
    },
    /// It is no component, or one that needs more than the engine gives.
    #[error("is no WebAssembly component that this host can run: {0}")]
    NoComponent(String),
    /// Neither of the two ways in.
    #[error("exports neither webhook nor polling; supported: {supported}")]
    NoProvider {
        /// The interfaces.
        supported: String,
    },
    /// An interface that every provider has.
    #[error("does not export {interface}, which every provider has")]
    MissingInterface {
        /// Its name.
        interface: &'static str,
    },
    /// Built against a contract that this host does not speak.
    #[error("was built against contract {version}; supported: {supported} and what is compatible")]
    UnknownContract {
        /// The component's.
        version: String,
        /// The host's.
        supported: &'static str,
    },
    /// Wants something that no host offers.
    #[error("imports {name}, which is not offered; supported: {supported}")]
    UnknownImport {
        /// What it wants.
        name: String,
        /// What there is.
        supported: String,
    },
    /// The names are right, but functions or types behind them are not.
    #[error("does not fit the contract: {0}")]
    Unlinkable(String),
    /// It failed when it was asked to describe itself.
    #[error("could not be asked for its description: {0}")]
    Undescribed(GuestError),
    /// What it says about itself is wrong.
    #[error("its description is wrong: {0}")]
    BadDescription(String),
    /// The registry calls it something else.
    #[error("describes itself as {described:?}, but is registered as {registered:?}")]
    IdMismatch {
        /// The component's own id.
        described: String,
        /// The registry's.
        registered: String,
    },
    /// The operator's settings do not fit the component's schema.
    #[error("its settings are wrong: {0}")]
    BadSettings(String),
    /// The operator grants what is no host.
    #[error("allow_hosts: {0}")]
    BadGrant(String),
}
