//! The rule that no setting is unchecked.
//!
//! Owns: the trait [`Setting`] and the macro [`settings!`], which defines a section and
//! refuses to compile a field whose type accepts any value.
//! Never does: check a value; each type does that while it is read.

use crate::egress::{EgressLimits, PublicUrls};
use crate::provider::{EngineLimits, RegistryEntry};
use crate::secret::Secret;
use std::path::PathBuf;

/// A type that checks itself: it refuses a wrong value while it is read, and says what it
/// expected.
#[diagnostic::on_unimplemented(
    message = "`{Self}` accepts any value, so it cannot be the type of a setting",
    note = "a number has a unit and bounds: `Seconds`, `Millis`, `Days`, `Bytes` or `Count`"
)]
pub trait Setting {}

impl Setting for bool {}

// Free text. The code that opens the file, binds the address or parses the filter checks
// it, when the process starts.
impl Setting for String {}
impl Setting for PathBuf {}
impl Setting for Secret {}

// These belong to modules below this one, which check them when the process starts.
impl Setting for EngineLimits {}
impl Setting for EgressLimits {}
impl Setting for PublicUrls {}
impl Setting for Vec<RegistryEntry> {}

/// Defines a section of `config.default.toml`. Every field is required, unknown ones are
/// refused, and each field's type is a [`Setting`].
macro_rules! settings {
    ($(#[$attribute:meta])* pub struct $name:ident {
        $($(#[$field_attribute:meta])* pub $field:ident: $type:ty,)+
    }) => {
        $(#[$attribute])*
        #[derive(Clone, Debug, serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        #[expect(missing_docs, reason = "documented in config.default.toml")]
        pub struct $name {
            $($(#[$field_attribute])* pub $field: $type,)+
        }

        impl $crate::config::setting::Setting for $name {}

        const _: () = {
            const fn checks_itself<T: $crate::config::setting::Setting>() {}
            $(checks_itself::<$type>();)+
        };
    };
}

pub(super) use settings;
