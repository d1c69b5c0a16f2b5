//! Triggers as answers show them.

use crate::api::AppState;
use crate::domain::event::Event;
use crate::domain::resource::Trigger;
use crate::domain::{DeliveryStatus, EventStatus};
use serde::Serialize;
use std::collections::{BTreeMap, HashMap};
use utoipa::ToSchema;

/// A trigger with its URL: the shape that all answers share.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TriggerAnswer {
    #[serde(flatten)]
    trigger: Trigger,
    /// The URL for deliveries to this trigger alone; null unless it is a webhook trigger.
    webhook_url: Option<String>,
}

/// The number of events in each status, and as `held` the number of deliveries that wait
/// because the trigger is on hold.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TriggerCounts(BTreeMap<String, i64>);

/// A trigger in a list.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TriggerItem {
    #[serde(flatten)]
    pub(super) trigger: TriggerAnswer,
    /// The number of the trigger's events in each status, and of its held deliveries.
    pub(super) counts: TriggerCounts,
}

/// A trigger with its newest events.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TriggerDetails {
    #[serde(flatten)]
    pub(super) item: TriggerItem,
    /// The trigger's ten newest events, newest first.
    pub(super) recent_events: Vec<Event>,
}

/// A trigger with its new secret.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TriggerWithSecret {
    trigger: TriggerAnswer,
    /// The trigger's `webhook_url`, repeated.
    webhook_url: Option<String>,
    /// The secret that signs deliveries to the URL. It is shown only once; null if the
    /// request brought it, or if the trigger has no URL.
    webhook_secret: Option<String>,
}

impl TriggerAnswer {
    /// `token` is the last segment of the trigger's URL.
    pub(super) fn new(state: &AppState, trigger: Trigger, token: Option<String>) -> Self {
        let url = |token| format!("{}/webhooks/t/{token}", state.config().public_url());
        Self {
            trigger,
            webhook_url: token.map(url),
        }
    }

    /// Adds the secret, if one was made.
    pub(super) fn with_secret(self, webhook_secret: Option<String>) -> TriggerWithSecret {
        TriggerWithSecret {
            webhook_url: self.webhook_url.clone(),
            trigger: self,
            webhook_secret,
        }
    }
}

impl TriggerCounts {
    /// Counts every status: zero for each that was not found.
    pub(super) fn new(found: Option<HashMap<EventStatus, i64>>, held: i64) -> Self {
        let found = found.unwrap_or_default();
        let count = |status: &EventStatus| {
            let count = found.get(status).copied().unwrap_or(0);
            (status.to_string(), count)
        };
        let held = (DeliveryStatus::Held.to_string(), held);
        Self(EventStatus::ALL.iter().map(count).chain([held]).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_is_counted() {
        let counts = TriggerCounts::new(Some(HashMap::from([(EventStatus::Queued, 3)])), 2);
        assert_eq!(
            serde_json::to_value(counts).unwrap(),
            serde_json::json!({"queued": 3, "processing": 0, "completed": 0, "failed": 0, "skipped": 0, "held": 2})
        );
    }
}
