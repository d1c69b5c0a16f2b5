//! A template that its owner has filled with anything but an event. It came from
//! PostHog all the same, and only its owner knows what it means: all of it becomes
//! properties, which a trigger may ask for, and none of it is taken for a person or a
//! project.

use super::Outline;
use super::event::PROPERTIES_BYTES_MAX;
use crate::dedup::Identity;
use crate::facts::{Bag, Facts, Format};
use triggerhouse_sdk::prelude::*;

const KIND: &str = "custom.received";

/// Any object.
pub fn read<'a>(body: &Payload<'a>) -> Outline<'a> {
    let bag = body
        .value()
        .as_object()
        .map(|body| Bag::keep(body, PROPERTIES_BYTES_MAX))
        .unwrap_or_default();
    Outline {
        facts: Facts {
            format: Format::Custom,
            event: KIND.to_owned(),
            properties: bag.kept,
            properties_omitted: bag.omitted,
            reduced: bag.more_omitted,
            ..Facts::default()
        },
        identity: Identity {
            event: KIND,
            ..Identity::default()
        },
        occurred_at: None,
    }
}
