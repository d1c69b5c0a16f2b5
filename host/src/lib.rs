//! Triggerhouse turns webhooks, polls and schedules into runs of automations: exactly
//! once, and never losing one. See `docs/ARCHITECTURE.md`.

pub mod api;
pub mod app;
pub mod clock;
pub mod config;
pub mod credentials;
pub mod domain;
pub mod egress;
pub mod http;
pub mod ingress;
pub mod lock;
pub mod measure;
pub mod permits;
pub mod provider;
pub mod redis;
pub mod secret;
pub mod server;
pub mod signals;
pub mod sink;
pub mod store;
pub mod supervisor;
pub mod telemetry;
pub mod verify;
pub mod worker;
