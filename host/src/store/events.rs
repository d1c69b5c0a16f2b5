//! Events.

use super::pool::{read, write};
use super::{Page, PageRequest, Store, StoreError};
use crate::domain::event::{Event, SkipReason};
use crate::domain::status::Lifecycle;
use crate::domain::{
    AutomationId, DeliveryId, EventId, EventStatus, OrgId, OutboxStatus, RunStatus, Timestamp,
    TriggerId,
};
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

/// Writes one row of history.
macro_rules! transition {
    ($tx:ident, $org:expr, $subject:expr, $from:expr, $to:expr, $actor:expr, $reason:expr, $now:expr) => {
        sqlx::query(
            "insert into transitions (id, org_id, subject, from_status, to_status, actor, reason, at)
             values ($1, $2, $3, $4, $5, $6, $7, $8)",
        )
        .bind(Uuid::now_v7())
        .bind($org.as_str())
        .bind($subject)
        .bind($from.as_str())
        .bind($to.as_str())
        .bind($actor)
        .bind($reason)
        .bind($now.0)
        .execute(&mut **$tx)
        .await?
    };
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
            let done = sqlx::query(
                "update events set status = $3, skip_reason = $4, skip_detail = $5,
                    holds_key = $6, processed_at = $7
                 where id = $1 and status = $2",
            )
            .bind(id.0)
            .bind(found.as_str())
            .bind(skipped.as_str())
            .bind(SkipReason::Manual.as_str())
            .bind(None::<&str>)
            .bind(false)
            .bind(now.0)
            .execute(&mut **tx)
            .await?;
            if done.rows_affected() == 0 {
                // Somebody was faster; whatever it became is no longer queued.
                return Ok(EventSkip::Refused(EventStatus::Processing));
            }
            transition!(tx, org, id.0, found, skipped, actor, SkipReason::Manual.as_str(), now);
            let run: Option<Uuid> = sqlx::query_scalar(
                "update runs set status = $3, status_reason = $4, completed_at = $5
                 where event_id = $1 and status = $2 returning id",
            )
            .bind(id.0)
            .bind(RunStatus::Queued.as_str())
            .bind(RunStatus::Cancelled.as_str())
            .bind("event_skipped")
            .bind(now.0)
            .fetch_optional(&mut **tx)
            .await?;
            if let Some(run) = run {
                transition!(tx, org, run, RunStatus::Queued, RunStatus::Cancelled, actor, "event_skipped", now);
                sqlx::query(
                    "update outbox set status = $2, due_at = null, lease_token = null, processed_at = $3
                     where id = $1 and due_at is not null",
                )
                .bind(run)
                .bind(OutboxStatus::Withdrawn.as_str())
                .bind(now.0)
                .execute(&mut **tx)
                .await?;
            }
            Ok::<_, StoreError>(EventSkip::Done)
        })
    }
}
