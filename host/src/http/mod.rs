//! The HTTP that `api` and `ingress` share: errors as clients see them, and ids in paths.
//!
//! Owns: `application/problem+json`, and the status that each error of the store gets.
//! Never does: routes, authentication, or anything about one resource.

mod path_id;
mod problem;

pub use path_id::PathId;
pub use problem::{FieldError, PROBLEM_JSON, Problem};

pub(crate) use problem::Cause;
