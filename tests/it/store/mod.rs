//! The store's contract, checked on both databases.

mod claims;
mod deletion;
mod door;
mod lanes;
mod migrate;
mod outbox;
mod partitions;
mod parts;
mod plans;
mod poll_bounds;
mod polls;
mod receive;
mod retention;
mod sameness;
mod settle;
mod sinks;

use std::sync::Arc;
use std::time::Duration;
use triggerhouse::domain::delivery::{Disposition, Header, NewDelivery, Origin, Route};
use triggerhouse::domain::event::{DecidedEvent, Decision, ParsedEvent, SkipReason};
use triggerhouse::domain::schedule::FiringLimits;
use triggerhouse::domain::{AutomationId, DeliveryId, Lane, OrgId, Timestamp, TriggerId};
use triggerhouse::store::{PackedDelivery, Settlement};

/// The time zero of these tests.
pub const T0: Timestamp = Timestamp(1_800_000_000_000_000);

pub const LIMITS: FiringLimits = FiringLimits {
    late: Duration::from_secs(60),
    missed_ticks_max: 10,
    events_max: 500,
};

pub fn org() -> OrgId {
    "acme".parse().unwrap()
}

/// A delivery to `trigger`.
pub fn delivery(trigger: TriggerId, key: Option<&str>, body: &[u8]) -> NewDelivery {
    NewDelivery {
        id: DeliveryId::new(),
        lane: Lane::of_org(&org()),
        origin: Origin {
            route: Route::Token,
            provider: "echo".into(),
            org: Some(org()),
            trigger: Some(trigger),
            integration: None,
        },
        delivery_key: key.map(str::to_owned),
        headers: vec![Header {
            name: "x-test".into(),
            value: "1".into(),
        }],
        query: "a=b".into(),
        body: body.to_vec(),
        received_at: T0,
    }
}

pub fn packed(trigger: TriggerId, key: Option<&str>) -> PackedDelivery {
    PackedDelivery::new(delivery(trigger, key, b"{}"))
}

/// An event of `trigger` with this key, accepted or skipped.
pub fn decided(trigger: TriggerId, key: &str, wanted: bool) -> DecidedEvent {
    DecidedEvent {
        org: org(),
        trigger,
        automation: AutomationId(trigger.0),
        event: Arc::new(ParsedEvent {
            dedup_key: key.into(),
            kind: "test".into(),
            occurred_at: Some(T0),
            title: "A title".into(),
            url: Some("https://example.com".into()),
            actor: Some("somebody".into()),
            facts: r#"{"a":1}"#.into(),
        }),
        decision: if wanted {
            Decision::Run
        } else {
            Decision::Skip {
                reason: SkipReason::FilterMismatch,
                detail: Some("labels: none".into()),
            }
        },
    }
}

pub fn completed(delivery: DeliveryId, attempt: i32, events: Vec<DecidedEvent>) -> Settlement {
    Settlement {
        delivery,
        attempt,
        tries: 1,
        retry_since: None,
        disposition: Disposition::Completed {
            outcome: "done".into(),
        },
        owner: None,
        events,
        trace: None,
        written: 0,
    }
}
