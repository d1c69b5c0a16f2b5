//! What a reader says about a value that it did not find.

use crate::contract::types::ParseError;
use std::fmt;

/// A value that is missing or has another type than the reader asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadError {
    /// JSON Pointer (RFC 6901) from the payload's root.
    pub pointer: String,
    /// What was asked for: `a string`.
    pub expected: &'static str,
    /// What is there: `nothing`, `a number`.
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
