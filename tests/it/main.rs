//! The integration tests, in one binary: real databases, real components.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "tests fail by panicking"
)]

mod api;
mod away;
mod cli;
mod clocks;
mod connections;
mod contract;
mod crash;
mod credentials;
mod cron;
mod dependencies;
mod documents;
mod egress;
mod engine;
mod failover;
mod github;
mod github_app;
mod hand_off;
mod held;
mod ingress;
mod limits;
mod lock;
mod metrics;
mod nango;
mod nango_connections;
mod openapi;
mod outage;
mod pipeline;
mod polling;
mod postgres_tls;
mod pressure;
mod project;
mod providers;
mod rates;
mod regressions;
mod replicas;
mod retention;
mod runs;
mod scheduler;
mod scheduler_bounds;
mod scheduler_changes;
mod scheduler_locks;
mod secrecy;
mod settlements;
mod shutdown;
mod sinks;
mod store;
mod supervision;
mod traces;
mod upgrade;
mod worker;
