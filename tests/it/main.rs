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
mod cron;
mod egress;
mod engine;
mod github;
mod github_app;
mod hand_off;
mod ingress;
mod limits;
mod nango;
mod outage;
mod pipeline;
mod project;
mod providers;
mod replicas;
mod runs;
mod scheduler;
mod secrecy;
mod seed_defects;
mod store;
mod worker;
