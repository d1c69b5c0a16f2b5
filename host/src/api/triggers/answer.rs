//! How triggers look in answers.

use crate::api::AppState;
use crate::domain::EventStatus;
use crate::domain::event::Event;
use crate::domain::resource::Trigger;
use serde::Serialize;
use std::collections::{BTreeMap, HashMap};
use utoipa::ToSchema;

/// How many events a trigger has in each status; every status is there.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct EventCounts(BTreeMap<EventStatus, i64>);

/// A trigger in a list.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TriggerItem {
    #[serde(flatten)]
    pub(super) trigger: Trigger,
    /// Where its deliveries may be sent.
    pub(super) webhook_url: Option<String>,
    /// How many events it has in each status.
    pub(super) counts: EventCounts,
}

/// A trigger with its URL.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TriggerAnswer {
    pub(super) trigger: Trigger,
    /// Where its deliveries may be sent.
    pub(super) webhook_url: Option<String>,
}

/// A trigger whose secret was replaced.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RotatedTrigger {
    pub(super) trigger: Trigger,
    /// Where its deliveries may be sent.
    pub(super) webhook_url: Option<String>,
    /// What its deliveries must be signed with, if it was made here. Shown this once;
    /// null if the request brought one.
    pub(super) webhook_secret: Option<String>,
}

/// A trigger that was created.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CreatedTrigger {
    pub(super) trigger: Trigger,
    /// Where its deliveries may be sent.
    pub(super) webhook_url: Option<String>,
    /// What they must be signed with, if there is a URL. Shown this once.
    pub(super) webhook_secret: Option<String>,
}

/// A trigger with what it saw.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TriggerDetails {
    pub(super) trigger: Trigger,
    /// Where its deliveries may be sent.
    pub(super) webhook_url: Option<String>,
    /// How many events it has in each status.
    pub(super) counts: EventCounts,
    /// The newest ten.
    pub(super) recent_events: Vec<Event>,
}

/// The URL of a token.
pub(super) fn webhook_url(state: &AppState, token: Option<String>) -> Option<String> {
    token.map(|token| format!("{}/webhooks/t/{token}", state.config().public_url()))
}

/// Counts with a zero for each status that has none.
pub(super) fn counts(found: Option<HashMap<EventStatus, i64>>) -> EventCounts {
    let found = found.unwrap_or_default();
    let count = |status: &EventStatus| (*status, found.get(status).copied().unwrap_or(0));
    EventCounts(EventStatus::ALL.iter().map(count).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_is_counted() {
        let counts = counts(Some(HashMap::from([(EventStatus::Queued, 3)])));
        assert_eq!(
            serde_json::to_value(counts).unwrap(),
            serde_json::json!({"queued": 3, "processing": 0, "completed": 0, "failed": 0, "skipped": 0})
        );
    }
}
