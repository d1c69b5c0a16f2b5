//! The provider from the outside: a mailbox on one side, events on the other.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod answers;
mod calls;
mod errors;
mod fake;
mod faked;
mod filters;
mod host;
mod mutations;
mod polling;
mod quota;
mod resync;
mod simulation;
mod snapshots;

use fake::{Draft, Fault};
use host::{Host, NOW_MS};
use serde_json::{Value, json};
use triggerhouse_provider_gmail::{Facts, Gmail};
use triggerhouse_sdk::prelude::*;
use triggerhouse_sdk::testing;

fn facts(event: &Event) -> Facts {
    serde_json::from_str(&event.facts).unwrap()
}

/// A host that has polled its mailbox once.
fn connected() -> Host {
    let mut host = Host::new();
    host.poll().unwrap();
    host
}

/// The titles of events, which are the subjects of messages.
fn titles(events: &[Event]) -> Vec<&str> {
    events.iter().map(|event| event.title.as_str()).collect()
}

fn draft(subject: &str) -> Draft {
    Draft::new("Jane Doe <jane@example.com>", subject)
}
