//! The terms of Triggerhouse and the rules between them, as plain data and pure functions.
//!
//! Owns: ids, states and their transitions, the resources (deliveries, triggers, events,
//! runs), and the decision about an event for each trigger. Never does: I/O of any kind. No
//! tokio, sqlx, wasmtime or axum, and no clock: time is a parameter.

pub mod backoff;
pub mod connection;
pub mod credential_kind;
pub mod cron;
pub mod delivery;
pub mod event;
pub mod id;
pub mod integration;
pub mod lane;
pub mod limits;
pub mod matching;
pub mod nango;
pub mod outbox;
pub mod patch;
pub mod poll;
pub mod poll_group;
pub mod provider;
pub mod resource;
pub mod run;
pub mod schedule;
pub mod sink;
pub mod source;
pub mod status;
pub mod text_enum;
pub mod time;
pub mod trace;

pub use id::{
    AutomationId, DeliveryId, EventId, IntegrationId, KeyId, OrgId, OutboxId, PollGroupId, RunId,
    ScheduleId, SinkId, TriggerId, WorkerId,
};
pub use lane::Lane;
pub use status::{DeliveryStatus, EventStatus, OutboxStatus, RunStatus};
pub use time::Timestamp;
