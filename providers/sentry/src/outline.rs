//! What a family's reader fills in: the event before it is put into its final form.
//! Starts with what the payloads of all resources have in common.

use crate::delivery::Delivery;
use crate::facts::{Actor, Facts};
use crate::family::lenient;
use triggerhouse_sdk::prelude::*;

/// The only thing that the older plugin tells is that a rule was triggered.
const LEGACY_ACTION: &str = "triggered";

/// One event in the making.
#[derive(Default)]
pub struct Outline {
    /// What is kept of the payload.
    pub facts: Facts,
    /// The title without the project: `Issue WEB-1 resolved: Crash`.
    pub headline: String,
    /// Where a person can look at it.
    pub url: Option<String>,
    /// Microseconds since 1970.
    pub occurred_at: Option<u64>,
}

impl Outline {
    /// Reads what is common to all payloads, each part only where Sentry sends it.
    ///
    /// # Errors
    /// If the action is there but no text.
    pub fn begin(delivery: &Delivery<'_>, payload: &Payload<'_>) -> Result<Self, ReadError> {
        let mut facts = Facts {
            resource: delivery.resource.clone(),
            ..Facts::default()
        };
        if delivery.legacy {
            facts.action = Some(LEGACY_ACTION.into());
        } else {
            facts.action = payload.short_text_opt("/action")?;
            facts.installation = payload.name("/installation/uuid");
            facts.actor = actor(payload);
        }
        Ok(Self {
            facts,
            ..Self::default()
        })
    }

    /// The action in words: `root_cause_completed` is `root cause completed`.
    pub fn verb(&self) -> String {
        let action = self.facts.action.as_deref().unwrap_or_default();
        action.replace('_', " ")
    }

    /// Whether the action is this one.
    pub fn is(&self, action: &str) -> bool {
        self.facts.action.as_deref() == Some(action)
    }
}

fn actor(payload: &Payload<'_>) -> Option<Actor> {
    let actor = Actor {
        kind: payload.name("/actor/type"),
        // A number for users, a UUID for integrations, `sentry` for Sentry itself.
        id: lenient::id(payload, "/actor/id"),
        name: payload.name("/actor/name"),
    };
    (actor != Actor::default()).then_some(actor)
}
