//! Replays: an event that happened starts another run of its trigger's automation.

use super::draft::Draft;
use super::write;
use crate::domain::event::{DecidedEvent, Decision, Event, ParsedEvent};
use crate::domain::{EventId, EventStatus, OrgId, Timestamp};
use crate::measure;
use crate::store::db::{ByEngine, locked, optional};
use crate::store::{Store, StoreError};
use std::sync::Arc;
use uuid::Uuid;

/// The result of replaying an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replay {
    /// The new event, whose run is handed over.
    Started(EventId),
    /// The automation was switched off, or deleted.
    AutomationOff,
    /// The trigger was switched off, or deleted.
    TriggerOff,
}

// ByEngine, they stay as they are until the end of the transaction.
const AUTOMATION_IS_ON: ByEngine = locked!(
    "select enabled and deleted_at is null from automations where org_id = $1 and id = $2",
    "for share"
);
const TRIGGER_IS_ON: ByEngine = locked!(
    "select enabled and deleted_at is null from triggers where org_id = $1 and id = $2",
    "for share"
);

impl Store {
    /// Writes an event with the facts of `event`, a key of its own and a run of its own,
    /// whatever became of the first one. No filter runs: a person has decided.
    pub async fn replay_event(
        &self,
        org: &OrgId,
        event: &Event,
        now: Timestamp,
    ) -> Result<Replay, StoreError> {
        let decided = DecidedEvent {
            org: org.clone(),
            trigger: event.trigger_id,
            automation: event.automation_id,
            event: Arc::new(ParsedEvent {
                dedup_key: format!("replay:{}", Uuid::now_v7()),
                ..event.parsed()
            }),
            decision: Decision::Run,
        };
        let draft = Draft {
            replay_of: Some(event.id),
            ..Draft::new(event.delivery_id, &decided, None, now)
        };
        let replay = self
            .write(async |tx| {
                for (sql, id, off) in [
                    (
                        AUTOMATION_IS_ON,
                        event.automation_id.0,
                        Replay::AutomationOff,
                    ),
                    (TRIGGER_IS_ON, event.trigger_id.0, Replay::TriggerOff),
                ] {
                    if optional!(tx, scalar bool, sql, org, id)? != Some(true) {
                        return Ok(off);
                    }
                }
                write::write(tx, [&draft]).await?;
                Ok(Replay::Started(draft.id))
            })
            .await?;
        if matches!(replay, Replay::Started(_)) {
            measure::events(EventStatus::Queued.as_str(), "", 1);
        }
        Ok(replay)
    }
}
