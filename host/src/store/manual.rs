//! Runs that a person starts: an event of the automation's manual trigger, which
//! comes into being with the first of them.

use super::pool::write;
use super::settle::{Draft, insert_draft};
use super::{Store, StoreError};
use crate::domain::event::{DecidedEvent, Decision, ParsedEvent};
use crate::domain::resource::{MANUAL_PROVIDER, TriggerKind};
use crate::domain::{AutomationId, EventId, EventStatus, OrgId, RunId, Timestamp, TriggerId};
use crate::measure;
use std::sync::Arc;
use uuid::Uuid;

/// What came of starting a run by hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ManualRun {
    /// It is handed over.
    Started(EventId, RunId),
    /// The automation is switched off.
    Disabled,
    /// Its manual trigger is switched off.
    TriggerDisabled,
    /// There is no such automation in this organization.
    NotFound,
}

const FIND: &str = "select name, enabled from automations
    where org_id = $1 and id = $2 and deleted_at is null";
/// And it stays as it is until the end of the transaction: SQLite has one writer.
const FIND_AND_KEEP: &str = "select name, enabled from automations
    where org_id = $1 and id = $2 and deleted_at is null for share";

impl Store {
    /// Starts a run of an automation; `facts` is a JSON object for it.
    ///
    /// # Errors
    /// If nothing was written.
    pub async fn run_manually(
        &self,
        org: &OrgId,
        automation: AutomationId,
        facts: String,
        now: Timestamp,
    ) -> Result<ManualRun, StoreError> {
        let started = write!(self, tx => {
            let found = if self.is_embedded() { FIND } else { FIND_AND_KEEP };
            let found: Option<(String, bool)> = sqlx::query_as(found)
            .bind(org.as_str())
            .bind(automation.0)
            .fetch_optional(&mut **tx)
            .await?;
            let Some((name, enabled)) = found else {
                return Ok(ManualRun::NotFound);
            };
            if !enabled {
                return Ok(ManualRun::Disabled);
            }
            // Changing nothing, it locks the row that is there.
            let (trigger, is_on): (Uuid, bool) = sqlx::query_as(
                "insert into triggers (id, org_id, automation_id, name, provider, kind, config,
                    enabled, manual_of, created_at, updated_at)
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $3, $9, $9)
                 on conflict (manual_of) where manual_of is not null
                    do update set updated_at = triggers.updated_at
                 returning id, enabled",
            )
            .bind(TriggerId::new().0)
            .bind(org.as_str())
            .bind(automation.0)
            .bind("Manual runs")
            .bind(MANUAL_PROVIDER)
            .bind(TriggerKind::Manual.as_str())
            .bind("{}")
            .bind(true)
            .bind(now.0)
            .fetch_one(&mut **tx)
            .await?;
            if !is_on {
                return Ok(ManualRun::TriggerDisabled);
            }
            let decided = DecidedEvent {
                org: org.clone(),
                trigger: TriggerId(trigger),
                automation,
                event: Arc::new(ParsedEvent {
                    // Each is an occurrence of its own.
                    dedup_key: format!("manual:{}", Uuid::now_v7()),
                    kind: "manual.run".into(),
                    occurred_at: Some(now),
                    title: format!("{name}: run by hand"),
                    url: None,
                    actor: None,
                    facts,
                }),
                decision: Decision::Run,
            };
            let draft = Draft::new(None, &decided, None);
            insert_draft!(tx, &draft, now);
            Ok::<_, StoreError>(match &draft.run {
                Some(run) => ManualRun::Started(draft.id, run.id),
                None => ManualRun::Disabled,
            })
        })?;
        if let ManualRun::Started(..) = started {
            measure::events(EventStatus::Queued.as_str(), "", 1);
        }
        Ok(started)
    }
}
