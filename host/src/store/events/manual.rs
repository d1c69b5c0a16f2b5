//! Runs that a person starts: an event of the automation's manual trigger, which the first
//! such run creates.

use super::draft::Draft;
use super::write;
use crate::domain::event::{DecidedEvent, Decision, ParsedEvent};
use crate::domain::resource::{MANUAL_PROVIDER, TriggerKind};
use crate::domain::{AutomationId, EventId, EventStatus, OrgId, RunId, Timestamp, TriggerId};
use crate::measure;
use crate::store::db::{ByEngine, Tx, locked, one, optional};
use crate::store::{Store, StoreError};
use std::sync::Arc;
use uuid::Uuid;

/// The result of starting a run by hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ManualRun {
    /// It is handed over.
    Started(EventId, RunId),
    /// The automation is switched off.
    Disabled,
    /// Its manual trigger is switched off.
    TriggerDisabled,
    /// The organization has no such automation.
    NotFound,
}

// ByEngine, it stays as it is until the end of the transaction.
const FIND: ByEngine = locked!(
    "select name, enabled from automations where org_id = $1 and id = $2 and deleted_at is null",
    "for share"
);

impl Store {
    /// Starts a run of an automation; `facts` is a JSON object for it.
    pub async fn run_manually(
        &self,
        org: &OrgId,
        automation: AutomationId,
        facts: String,
        now: Timestamp,
    ) -> Result<ManualRun, StoreError> {
        let run = async |tx: &mut Tx<'_>| {
            let found = optional!(tx, (String, bool), FIND, org, automation)?;
            let Some((name, enabled)) = found else {
                return Ok(ManualRun::NotFound);
            };
            if !enabled {
                return Ok(ManualRun::Disabled);
            }
            // The update changes nothing, but locks the row that is there.
            let (trigger, is_on) = one!(
                tx,
                (TriggerId, bool),
                "insert into triggers (id, org_id, automation_id, name, provider, kind, config,
                    enabled, manual_of, created_at, updated_at)
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $3, $9, $9)
                 on conflict (manual_of) where manual_of is not null
                    do update set updated_at = triggers.updated_at
                 returning id, enabled",
                TriggerId::new(),
                org,
                automation,
                "Manual runs",
                MANUAL_PROVIDER,
                TriggerKind::Manual,
                "{}",
                true,
                now,
            )?;
            if !is_on {
                return Ok(ManualRun::TriggerDisabled);
            }
            let decided = DecidedEvent {
                org: org.clone(),
                trigger,
                automation,
                event: Arc::new(ParsedEvent {
                    // Each run is an occurrence of its own.
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
            let draft = Draft::new(None, &decided, None, now);
            write::write(tx, [&draft]).await?;
            Ok(match &draft.run {
                Some(run) => ManualRun::Started(draft.id, run.id),
                None => ManualRun::Disabled,
            })
        };
        let started = self.write(run).await?;
        if let ManualRun::Started(..) = started {
            measure::events(EventStatus::Queued.as_str(), "", 1);
        }
        Ok(started)
    }
}
