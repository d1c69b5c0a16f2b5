//! The reasons for which a component is not loaded. Each says what is wrong and, where there
//! is a choice, what would be right.

use crate::provider::error::GuestError;
use std::path::PathBuf;

/// A component that is not loaded.
#[derive(Debug, thiserror::Error)]
#[error("{}: {refusal}", path.display())]
pub struct LoadError {
    /// The component's file.
    pub path: PathBuf,
    /// The reason.
    pub refusal: LoadRefusal,
}

/// The reason for which a component is not loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadRefusal {
    /// The file cannot be read.
    #[error("cannot be read: {0}")]
    Unreadable(#[from] std::io::Error),
    /// The file differs from the one that the operator pinned.
    #[error("its sha256 is {found}, but the registry pins {pinned}")]
    DigestMismatch {
        /// The file's digest.
        found: String,
        /// The digest in the registry.
        pinned: String,
    },
    /// The file is no component, or one that needs more than the engine offers.
    #[error("is no WebAssembly component that this host can run: {0}")]
    NoComponent(String),
    /// It exports none of the interfaces that make a provider.
    #[error("exports neither webhook nor polling; supported: {supported}")]
    NoProvider {
        /// The interfaces that do.
        supported: String,
    },
    /// It lacks an interface that every provider has.
    #[error("does not export {interface}, which every provider has")]
    MissingInterface {
        /// The name of the interface.
        interface: &'static str,
    },
    /// It was built against a contract that this host does not support.
    #[error("was built against contract {version}; supported: {supported} and what is compatible")]
    UnknownContract {
        /// The component's version.
        version: String,
        /// The host's version.
        supported: &'static str,
    },
    /// It imports something that the host does not offer.
    #[error("imports {name}, which is not offered; supported: {supported}")]
    UnknownImport {
        /// The import.
        name: String,
        /// The imports on offer.
        supported: String,
    },
    /// The interfaces have the right names, but other functions or types.
    #[error("does not fit the contract: {0}")]
    Unlinkable(String),
    /// The call for its description failed.
    #[error("could not be asked for its description: {0}")]
    Undescribed(GuestError),
    /// Its description is wrong.
    #[error("its description is wrong: {0}")]
    BadDescription(String),
    /// The registry has another id for it.
    #[error("describes itself as {described:?}, but is registered as {registered:?}")]
    IdMismatch {
        /// The id in the component's description.
        described: String,
        /// The id in the registry.
        registered: String,
    },
    /// The operator's settings do not match the component's schema.
    #[error("its settings are wrong: {0}")]
    BadSettings(String),
    /// An entry of `allow_hosts` is no host.
    #[error("allow_hosts: {0}")]
    BadGrant(String),
}
