//! The integration tests, in one binary: real databases, real components.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "tests fail by panicking"
)]

mod api;
mod cli;
mod contract;
mod crash;
mod engine;
mod github;
mod hand_off;
mod ingress;
mod limits;
mod outage;
mod pipeline;
mod project;
mod replicas;
mod store;
mod worker;
