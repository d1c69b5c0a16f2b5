//! The start of every event: reads what the payloads of all resources have in common.

use crate::delivery::Delivery;
use crate::facts::{Actor, Facts};
use triggerhouse_sdk::kind;
use triggerhouse_sdk::prelude::*;

/// The only action of the older plugin: a rule was triggered.
const LEGACY_ACTION: &str = "triggered";

/// An event in the making. The reader of a family completes it.
pub type Outline = triggerhouse_sdk::Outline<Facts>;

/// Reads the common parts. Each is absent from some payloads.
///
/// # Errors
/// If the action is not a text.
pub fn begin(delivery: &Delivery<'_>, payload: &Payload<'_>) -> Result<Outline, ReadError> {
    let mut facts = Facts {
        resource: delivery.resource.clone(),
        ..Facts::default()
    };
    if delivery.legacy {
        facts.action = Some(LEGACY_ACTION.into());
    } else {
        facts.action = payload.short_text_opt("/action")?;
        facts.installation = payload.name("/installation/uuid");
        facts.actor = known(Actor {
            kind: payload.name("/actor/type"),
            // A number for users, a UUID for integrations, `sentry` for Sentry itself.
            id: payload.ident("/actor/id"),
            name: payload.name("/actor/name"),
        });
    }
    Ok(Outline {
        kind: kind(&facts.resource, facts.action.as_deref()),
        facts,
        ..Outline::default()
    })
}

impl Facts {
    /// The project's slug or id, or the organization.
    pub fn scope(&self) -> Option<String> {
        let project = self.project.as_ref();
        let project = project.and_then(|project| project.slug.clone().or(project.id.clone()));
        project.or_else(|| self.organization.clone())
    }

    /// The action in words: `root_cause_completed` is `root cause completed`.
    pub fn verb(&self) -> String {
        let action = self.action.as_deref().unwrap_or_default();
        action.replace('_', " ")
    }

    /// True for this action.
    pub fn is(&self, action: &str) -> bool {
        self.action.as_deref() == Some(action)
    }
}
