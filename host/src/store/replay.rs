//! Replays: an event that happened is told to its trigger's automation once more.

use super::pool::write;
use super::settle::{Draft, insert_draft};
use super::{Store, StoreError};
use crate::domain::event::{DecidedEvent, Decision, Event, ParsedEvent};
use crate::domain::{EventId, EventStatus, OrgId, Timestamp};
use crate::measure;
use std::sync::Arc;
use uuid::Uuid;

/// What came of replaying an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replay {
    /// The new event, whose run is handed over.
    Started(EventId),
    /// The automation was switched off, or deleted.
    AutomationOff,
    /// The trigger was switched off, or deleted.
    TriggerOff,
}

macro_rules! is_on {
    ($table:literal, $lock:literal) => {
        concat!(
            "select enabled and deleted_at is null from ",
            $table,
            " where org_id = $1 and id = $2",
            $lock
        )
    };
}

impl Store {
    /// Writes an event with the facts of `event`, a key of its own and a run of its own,
    /// whatever has become of the first one. No filter is asked: a person has decided.
    ///
    /// # Errors
    /// If nothing was written.
    pub async fn replay_event(
        &self,
        org: &OrgId,
        event: &Event,
        now: Timestamp,
    ) -> Result<Replay, StoreError> {
        // They stay as they are until the end of the transaction: SQLite has one writer.
        let [automation, trigger] = if self.is_embedded() {
            [is_on!("automations", ""), is_on!("triggers", "")]
        } else {
            [
                is_on!("automations", " for share"),
                is_on!("triggers", " for share"),
            ]
        };
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
        let replay = write!(self, tx => {
            for (sql, id, off) in [
                (automation, event.automation_id.0, Replay::AutomationOff),
                (trigger, event.trigger_id.0, Replay::TriggerOff),
            ] {
                let is_on: Option<bool> = sqlx::query_scalar(sql)
                    .bind(org.as_str())
                    .bind(id)
                    .fetch_optional(&mut **tx)
                    .await?;
                if is_on != Some(true) {
                    return Ok(off);
                }
            }
            let draft = Draft::new(event.delivery_id, &decided, None);
            insert_draft!(tx, &draft, now);
            sqlx::query("update events set replay_of = $2 where id = $1")
                .bind(draft.id.0)
                .bind(event.id.0)
                .execute(&mut **tx)
                .await?;
            Ok::<_, StoreError>(Replay::Started(draft.id))
        })?;
        if matches!(replay, Replay::Started(_)) {
            measure::events(EventStatus::Queued.as_str(), "", 1);
        }
        Ok(replay)
    }
}
