//! T2': a worker claims a group that is due. The epoch is the fence of whatever it
//! writes later; a claim that has lapsed writes nothing, even if nobody has taken it
//! over.

use crate::domain::integration::IntegrationStatus;
use crate::domain::resource::{ActiveTrigger, TriggerKind};
use crate::domain::{AutomationId, IntegrationId, OrgId, PollGroupId, Timestamp, TriggerId};
use crate::store::matching::org_id;
use crate::store::pool::{read, write};
use crate::store::{Store, StoreError};
use std::time::Duration;
use uuid::Uuid;

/// What is written about a group whose worker never came back.
const UNFINISHED: &str = "a worker did not finish the poll";

/// A group that a worker has claimed.
#[derive(Clone, Debug)]
pub struct ClaimedPoll {
    /// The group.
    pub group: PollGroupId,
    /// The claim's fence.
    pub epoch: i64,
    /// Whose.
    pub org: OrgId,
    /// The provider that asks.
    pub provider: String,
    /// Whose account is asked.
    pub integration: IntegrationId,
}

/// What there is to do for a claimed group, as it stands now.
#[derive(Clone, Debug)]
pub struct PollWork {
    /// The cursor of the last committed page.
    pub cursor: Option<String>,
    /// Changes of the group's triggers so far: a page is settled for the triggers that it
    /// was asked for, or not at all.
    pub changes: i64,
    /// Polls that failed in a row before this one.
    pub failures: i32,
    /// The group's active triggers.
    pub triggers: Vec<ActiveTrigger>,
}

#[derive(sqlx::FromRow)]
struct ClaimedRow {
    org_id: String,
    provider: String,
    integration_id: Uuid,
    epoch: i64,
}

#[derive(sqlx::FromRow)]
struct WorkRow {
    cursor: Option<String>,
    changes: i64,
    failures: i32,
}

#[derive(sqlx::FromRow)]
struct TriggerRow {
    id: Uuid,
    org_id: String,
    automation_id: Uuid,
    automation_enabled: bool,
    config: String,
}

impl Store {
    /// Up to `max` groups that are due and free, the longest waiting first.
    ///
    /// # Errors
    /// If the database is unavailable.
    pub async fn due_polls(
        &self,
        now: Timestamp,
        max: u32,
    ) -> Result<Vec<PollGroupId>, StoreError> {
        let ids: Vec<Uuid> = read!(self, pool => {
            sqlx::query_scalar(
                "select id from poll_groups
                 where due_at <= $1 and (lease_until is null or lease_until <= $1)
                 order by due_at limit $2",
            )
            .bind(now.0)
            .bind(i64::from(max))
            .fetch_all(pool)
            .await?
        });
        Ok(ids.into_iter().map(PollGroupId).collect())
    }

    /// When the next group is due of those that nobody has: a lease that lapses is found
    /// by looking.
    ///
    /// # Errors
    /// If the database is unavailable.
    pub async fn next_poll_due(&self) -> Result<Option<Timestamp>, StoreError> {
        let due: Option<i64> = read!(self, pool => {
            sqlx::query_scalar(
                "select due_at from poll_groups where due_at is not null and lease_until is null
                 order by due_at limit 1",
            )
            .fetch_optional(pool)
            .await?
        });
        Ok(due.map(Timestamp))
    }

    /// Claims a group until `now + lease`; none if it is not due, or somebody else has
    /// it. One whose worker never came back has failed once more.
    ///
    /// # Errors
    /// If the database is unavailable.
    pub async fn claim_poll(
        &self,
        group: PollGroupId,
        now: Timestamp,
        lease: Duration,
    ) -> Result<Option<ClaimedPoll>, StoreError> {
        let row: Option<ClaimedRow> = write!(self, tx => {
            Ok::<_, StoreError>(sqlx::query_as(
                "update poll_groups set epoch = epoch + 1, lease_until = $3, due_at = $3,
                    started_at = $2,
                    failures = failures + case when lease_until is null then 0 else 1 end,
                    error = case when lease_until is null then error else $4 end,
                    error_at = case when lease_until is null then error_at else $2 end
                 where id = $1 and due_at <= $2 and (lease_until is null or lease_until <= $2)
                 returning org_id, provider, integration_id, epoch",
            )
            .bind(group.0)
            .bind(now.0)
            .bind((now + lease).0)
            .bind(UNFINISHED)
            .fetch_optional(&mut **tx)
            .await?)
        })?;
        row.map(|row| {
            Ok(ClaimedPoll {
                group,
                epoch: row.epoch,
                org: org_id("poll_groups", &row.org_id)?,
                provider: row.provider,
                integration: IntegrationId(row.integration_id),
            })
        })
        .transpose()
    }

    /// What there is to do for a claimed group; none if the claim no longer holds, or
    /// the integration does not work any more.
    ///
    /// # Errors
    /// If the database is unavailable.
    pub async fn poll_work(
        &self,
        claim: &ClaimedPoll,
        now: Timestamp,
    ) -> Result<Option<PollWork>, StoreError> {
        let work: Option<WorkRow> = read!(self, pool => {
            sqlx::query_as(
                "select g.cursor, g.changes, g.failures
                 from poll_groups g join integrations i on i.id = g.integration_id
                 where g.id = $1 and g.epoch = $2 and g.lease_until > $3 and g.due_at is not null
                    and i.status = $4 and i.deleted_at is null",
            )
            .bind(claim.group.0)
            .bind(claim.epoch)
            .bind(now.0)
            .bind(IntegrationStatus::Active.as_str())
            .fetch_optional(pool)
            .await?
        });
        // Read before the triggers: what changes in between is noticed.
        let Some(work) = work else {
            return Ok(None);
        };
        let rows: Vec<TriggerRow> = read!(self, pool => {
            sqlx::query_as(
                "select t.id, t.org_id, t.automation_id, a.enabled as automation_enabled, t.config
                 from triggers t join automations a on a.id = t.automation_id
                 where t.integration_id = $1 and t.kind = $2 and t.enabled
                    and t.deleted_at is null and a.deleted_at is null
                 order by t.id",
            )
            .bind(claim.integration.0)
            .bind(TriggerKind::Polling.as_str())
            .fetch_all(pool)
            .await?
        });
        let triggers = rows.into_iter().map(|row| {
            Ok(ActiveTrigger {
                id: TriggerId(row.id),
                org: org_id("triggers", &row.org_id)?,
                automation: AutomationId(row.automation_id),
                automation_enabled: row.automation_enabled,
                integration_status: Some(IntegrationStatus::Active),
                config: row.config,
            })
        });
        Ok(Some(PollWork {
            cursor: work.cursor,
            changes: work.changes,
            failures: work.failures,
            triggers: triggers.collect::<Result<_, StoreError>>()?,
        }))
    }

    /// Holds a claim for longer; false if it no longer holds.
    ///
    /// # Errors
    /// If the database is unavailable.
    pub async fn renew_poll(
        &self,
        claim: &ClaimedPoll,
        now: Timestamp,
        lease: Duration,
    ) -> Result<bool, StoreError> {
        write!(self, tx => {
            // A time that somebody has set since is kept: it is the next poll's.
            let done = sqlx::query(
                "update poll_groups set lease_until = $3,
                    due_at = case when due_at = lease_until then $3 else due_at end
                 where id = $1 and epoch = $2 and lease_until > $4",
            )
            .bind(claim.group.0)
            .bind(claim.epoch)
            .bind((now + lease).0)
            .bind(now.0)
            .execute(&mut **tx)
            .await?;
            Ok(done.rows_affected() == 1)
        })
    }
}
