//! The error of the strict readers.

use crate::contract::types::ParseError;
use std::fmt;

/// A value is missing or has the wrong type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadError {
    /// JSON Pointer (RFC 6901) from the payload's root.
    pub pointer: String,
    /// The type the reader asked for: `a string`.
    pub expected: &'static str,
    /// The type that is there: `nothing`, `a number`.
    pub found: &'static str,
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            pointer,
            expected,
            found,
        } = self;
        write!(f, "{pointer}: expected {expected}, found {found}")
    }
}

impl std::error::Error for ReadError {}

impl From<ReadError> for ParseError {
    fn from(error: ReadError) -> Self {
        Self::Malformed(error.to_string())
    }
}
