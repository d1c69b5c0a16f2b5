//! The content of a body, before it becomes an event.

use crate::dedup::Identity;
use crate::facts::{Bag, Facts, Format};
use serde_json::Value;
use triggerhouse_sdk::limits::NAME_BYTES_MAX;
use triggerhouse_sdk::prelude::*;

/// Bytes of the JSON of all properties kept in the facts.
pub const PROPERTIES_BYTES_MAX: usize = 131_072;

/// The facts, the identity and the time of a body.
#[derive(Default)]
pub struct Content<'a> {
    /// The facts.
    pub facts: Facts,
    /// The values that distinguish it from other bodies, uncut.
    pub identity: Identity<'a>,
    /// Microseconds since 1970.
    pub occurred_at: Option<u64>,
}

impl<'a> Content<'a> {
    /// The content of a body whose form has no event of PostHog: a name for it, and its data
    /// as properties.
    pub fn named(format: Format, event: &'a str, data: Option<&Value>) -> Self {
        let bag = Bag::of(data, PROPERTIES_BYTES_MAX);
        Self {
            facts: Facts {
                format,
                event: shorten(event, NAME_BYTES_MAX),
                properties: bag.kept,
                properties_omitted: bag.omitted,
                reduced: bag.more_omitted,
                ..Facts::default()
            },
            identity: Identity {
                event,
                ..Identity::default()
            },
            occurred_at: None,
        }
    }
}
