//! Long and heavy tests: `make stress` runs them.

mod inbox;
mod retention;
mod waiters;
