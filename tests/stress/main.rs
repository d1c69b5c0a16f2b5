//! Long and heavy tests of their own binary: `make stress` runs them, `make test` does not.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "tests fail by panicking"
)]

mod inbox;
mod waiters;
