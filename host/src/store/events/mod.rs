//! Events: lists, and skips by people. `draft.rs` and `write.rs` write new ones for every
//! source: deliveries, polls, ticks, replays and manual runs.

pub(super) mod draft;
mod manual;
mod replay;
pub(super) mod source;
pub(super) mod write;

pub use manual::ManualRun;
pub use replay::Replay;

use super::db::{Query, optional, row, update};
use super::history::{self, Transition};
use super::runs::held::{self, Hold};
use super::{Page, PageRequest, Store, StoreError};
use crate::domain::event::{Event, SkipReason};
use crate::domain::run::{EVENT_SKIPPED, RunAction};
use crate::domain::status::States;
use crate::domain::{AutomationId, EventId, EventStatus, OrgId, Timestamp, TriggerId};
use constcat::concat;

/// The events that a list shows.
#[derive(Clone, Debug, Default)]
pub struct EventFilter {
    /// Only this trigger's.
    pub trigger: Option<TriggerId>,
    /// Only this automation's.
    pub automation: Option<AutomationId>,
    /// Only those in this status.
    pub status: Option<EventStatus>,
    /// Only this kind.
    pub kind: Option<String>,
    /// Created at this time or later.
    pub since: Option<Timestamp>,
}

/// The result of skipping an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventSkip {
    /// It is skipped, its run cancelled, and its key free.
    Done,
    /// The organization has no such event.
    NotFound,
    /// Its status does not allow it.
    Refused(EventStatus),
}

row!(Event {
    id, trigger_id, automation_id, delivery_id, status, kind, dedup_key, title, url, actor,
    occurred_at, facts as Json, skip_reason, skip_detail, error, replay_of, created_at,
    processed_at,
});

// Skips of one event share its facts.
const OF_ORG: &str = "select id, trigger_id, automation_id, delivery_id, status, kind, dedup_key,
        title, url, actor, occurred_at,
        coalesce((select s.facts from shared_facts s where s.id = events.facts_id), facts) as facts,
        skip_reason, skip_detail, error, replay_of, created_at, processed_at
     from events where org_id = ";
const ONE: &str = concat!(OF_ORG, "$1 and id = $2");

impl Store {
    /// An organization's events.
    pub async fn list_events(
        &self,
        org: &OrgId,
        filter: &EventFilter,
        page: PageRequest,
    ) -> Result<Page<Event>, StoreError> {
        let query = Query::new(OF_ORG)
            .bind(org)
            .and("trigger_id =", filter.trigger)
            .and("automation_id =", filter.automation)
            .and("status =", filter.status.map(EventStatus::as_str))
            .and("kind =", filter.kind.as_ref())
            .and("created_at >=", filter.since);
        let events = self.read(async |tx| query.page(page).all(tx).await).await?;
        Ok(page.page(events, |event: &Event| event.id.0))
    }

    /// One event.
    pub async fn event(&self, org: &OrgId, id: EventId) -> Result<Option<Event>, StoreError> {
        self.read(async |tx| optional!(tx, Event, ONE, org, id))
            .await
    }

    /// Skips a queued event: its run is cancelled, its hand-off withdrawn, and its
    /// deduplication key free again.
    pub async fn skip_event(
        &self,
        org: &OrgId,
        id: EventId,
        actor: &str,
        now: Timestamp,
    ) -> Result<EventSkip, StoreError> {
        let skipped = EventStatus::Skipped;
        self.write(async |tx| {
            // The run first, as everywhere: every change of the event waits for it.
            let held = held::hold(tx, org, Hold::Event(id)).await?;
            let found = optional!(
                tx,
                scalar EventStatus,
                "select status from events where org_id = $1 and id = $2",
                org,
                id,
            )?;
            let Some(found) = found else {
                return Ok(EventSkip::NotFound);
            };
            if !found.may_become(skipped) {
                return Ok(EventSkip::Refused(found));
            }
            update!(tx, "events" set {
                status: skipped,
                skip_reason: SkipReason::Manual,
                skip_detail: None::<&str>,
                holds_key: false,
                processed_at: now,
            } where { id: id })?;
            let change = Transition {
                org,
                from: found.as_str(),
                to: skipped.as_str(),
                actor,
                reason: Some(SkipReason::Manual.as_str()),
                comment: None,
                at: now,
            };
            history::add(tx, id.0, change).await?;
            let cancel = RunAction::Cancel {
                reason: Some(EVENT_SKIPPED.to_owned()),
            };
            if let Some(held) = held
                && let Ok(change) = held.state.after(&cancel, now)
            {
                held::write(tx, &held, change, actor, now).await?;
            }
            Ok(EventSkip::Done)
        })
        .await
    }
}
