//! Events.

use super::history::transition;
use super::pool::{read, write};
use super::runs::{Hold, hold_run, write_run};
use super::{Page, PageRequest, Store, StoreError};
use crate::domain::event::{Event, SkipReason};
use crate::domain::run::{EVENT_SKIPPED, RunAction};
use crate::domain::status::States;
use crate::domain::{AutomationId, DeliveryId, EventId, EventStatus, OrgId, Timestamp, TriggerId};
use serde_json::value::RawValue;
use uuid::Uuid;

/// Which events a list shows.
#[derive(Clone, Debug, Default)]
pub struct EventFilter {
    /// Of this trigger.
    pub trigger: Option<TriggerId>,
    /// Of this automation.
    pub automation: Option<AutomationId>,
    /// In this status.
    pub status: Option<EventStatus>,
    /// Of this kind.
    pub kind: Option<String>,
    /// Created at this time or later.
    pub since: Option<Timestamp>,
}

/// What skipping an event did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventSkip {
    /// It is skipped, its run cancelled, and its key free.
    Done,
    /// No such event in this organization.
    NotFound,
    /// Its status does not allow it.
    Refused(EventStatus),
}

#[derive(sqlx::FromRow)]
struct EventRow {
    id: Uuid,
    trigger_id: Uuid,
    automation_id: Uuid,
    delivery_id: Option<Uuid>,
    status: String,
    kind: String,
    dedup_key: String,
    title: String,
    url: Option<String>,
    actor: Option<String>,
    occurred_at: Option<i64>,
    facts: String,
    skip_reason: Option<String>,
    skip_detail: Option<String>,
    error: Option<String>,
    replay_of: Option<Uuid>,
    created_at: i64,
    processed_at: Option<i64>,
}

impl TryFrom<EventRow> for Event {
    type Error = StoreError;

    fn try_from(row: EventRow) -> Result<Self, StoreError> {
        let unreadable =
            |column, error: &dyn std::fmt::Display| StoreError::unreadable("events", column, error);
        Ok(Self {
            id: EventId(row.id),
            trigger_id: TriggerId(row.trigger_id),
            automation_id: AutomationId(row.automation_id),
            delivery_id: row.delivery_id.map(DeliveryId),
            status: row
                .status
                .parse()
                .map_err(|error| unreadable("status", &error))?,
            kind: row.kind,
            dedup_key: row.dedup_key,
            title: row.title,
            url: row.url,
            actor: row.actor,
            occurred_at: row.occurred_at.map(Timestamp),
            facts: RawValue::from_string(row.facts).map_err(|error| unreadable("facts", &error))?,
            skip_reason: row
                .skip_reason
                .map(|reason| reason.parse::<SkipReason>())
                .transpose()
                .map_err(|error| unreadable("skip_reason", &error))?,
            skip_detail: row.skip_detail,
            error: row.error,
            replay_of: row.replay_of.map(EventId),
            created_at: Timestamp(row.created_at),
            processed_at: row.processed_at.map(Timestamp),
        })
    }
}

const SELECT: &str = "select id, trigger_id, automation_id, delivery_id, status, kind, dedup_key,
    title, url, actor, occurred_at, facts, skip_reason, skip_detail, error, replay_of, created_at,
    processed_at from events where org_id = ";

impl Store {
    /// An organization's events.
    ///
    /// # Errors
    /// If the database is unavailable.
    pub async fn list_events(
        &self,
        org: &OrgId,
        filter: &EventFilter,
        page: PageRequest,
    ) -> Result<Page<Event>, StoreError> {
        let rows: Vec<EventRow> = read!(self, pool => {
            let mut query = sqlx::QueryBuilder::new(SELECT);
            query.push_bind(org.as_str());
            query.push(" and id < ").push_bind(page.before());
            if let Some(trigger) = filter.trigger {
                query.push(" and trigger_id = ").push_bind(trigger.0);
            }
            if let Some(automation) = filter.automation {
                query.push(" and automation_id = ").push_bind(automation.0);
            }
            if let Some(status) = filter.status {
                query.push(" and status = ").push_bind(status.as_str());
            }
            if let Some(kind) = &filter.kind {
                query.push(" and kind = ").push_bind(kind.as_str());
            }
            if let Some(since) = filter.since {
                query.push(" and created_at >= ").push_bind(since.0);
            }
            query.push(" order by id desc limit ").push_bind(page.fetch());
            query.build_query_as().fetch_all(pool).await?
        });
        let items = rows
            .into_iter()
            .map(Event::try_from)
            .collect::<Result<_, _>>()?;
        Ok(page.page(items, |event: &Event| event.id.0))
    }

    /// One event.
    ///
    /// # Errors
    /// If the database is unavailable.
    pub async fn event(&self, org: &OrgId, id: EventId) -> Result<Option<Event>, StoreError> {
        let row: Option<EventRow> = read!(self, pool => {
            let mut query = sqlx::QueryBuilder::new(SELECT);
            query.push_bind(org.as_str()).push(" and id = ").push_bind(id.0);
            query.build_query_as().fetch_optional(pool).await?
        });
        row.map(Event::try_from).transpose()
    }

    /// Skips a queued event: its run is cancelled, its hand-off withdrawn, and its
    /// deduplication key is free again.
    ///
    /// # Errors
    /// If the database is unavailable.
    pub async fn skip_event(
        &self,
        org: &OrgId,
        id: EventId,
        actor: &str,
        now: Timestamp,
    ) -> Result<EventSkip, StoreError> {
        let skipped = EventStatus::Skipped;
        write!(self, tx => {
            // First the run, as everywhere: whatever concerns the event waits for it.
            let held = hold_run!(tx, self, org, Hold::Event(id));
            let found: Option<String> =
                sqlx::query_scalar("select status from events where org_id = $1 and id = $2")
                    .bind(org.as_str())
                    .bind(id.0)
                    .fetch_optional(&mut **tx)
                    .await?;
            let Some(found) = found else { return Ok(EventSkip::NotFound) };
            let found: EventStatus =
                found.parse().map_err(|e| StoreError::unreadable("events", "status", e))?;
            if !found.may_become(skipped) {
                return Ok(EventSkip::Refused(found));
            }
            let reason = SkipReason::Manual.as_str();
            sqlx::query(
                "update events set status = $2, skip_reason = $3, skip_detail = $4,
                    holds_key = $5, processed_at = $6
                 where id = $1",
            )
            .bind(id.0)
            .bind(skipped.as_str())
            .bind(reason)
            .bind(None::<&str>)
            .bind(false)
            .bind(now.0)
            .execute(&mut **tx)
            .await?;
            transition!(tx, org.as_str(), id.0, found, skipped, actor, Some(reason), None::<&str>, now);
            let cancel = RunAction::Cancel { reason: Some(EVENT_SKIPPED.to_owned()) };
            if let Some(held) = held
                && let Ok(change) = held.state.after(&cancel, now)
            {
                write_run!(tx, &held, change, actor, now);
            }
            Ok::<_, StoreError>(EventSkip::Done)
        })
    }
}
