//! Keeps poll groups in step with their triggers and their integration, in the
//! transaction that changes these.
//!
//! Everybody locks in one order: integration, triggers, group. A group's row is the
//! lock under which its triggers are counted, so it is taken before they are looked
//! at: of two transactions that remove the last two triggers, the second one sees that
//! the first one's is gone.

use crate::domain::cron::Cron;
use crate::domain::integration::IntegrationStatus;
use crate::domain::poll_group::{GroupTimes, PollTiming};
use crate::domain::resource::TriggerKind;
use crate::domain::{PollGroupId, Timestamp, TriggerId};
use crate::store::StoreError;
use sqlx::{PgConnection, SqliteConnection};
use std::time::Duration;
use uuid::Uuid;

/// What a transaction that is under way does with poll groups.
pub(in crate::store) trait PollGroups {
    /// Creates, re-times, pauses or removes the group of an integration, whatever
    /// follows from its triggers and its status now; a page that is under way is asked
    /// for again. `joins` says whether a trigger may have joined.
    fn regroup(
        &mut self,
        integration: Uuid,
        joins: bool,
        now: Timestamp,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// What the triggers of an integration want, as things stand.
    fn demand(
        &mut self,
        integration: Uuid,
    ) -> impl Future<Output = Result<Demand, StoreError>> + Send;
}

/// What the polling triggers of an integration want.
pub(in crate::store) struct Demand {
    /// Whether there are any, and their integration.
    is_there: bool,
    /// When they want it; nothing while it is paused.
    pub(in crate::store) timings: Vec<PollTiming>,
}

#[derive(sqlx::FromRow)]
pub(in crate::store) struct TimesRow {
    due_at: Option<i64>,
    lease_until: Option<i64>,
    started_at: Option<i64>,
    pause_until: Option<i64>,
    failures: i32,
}

impl TimesRow {
    pub(in crate::store) fn times(&self) -> GroupTimes {
        GroupTimes {
            due_at: self.due_at.map(Timestamp),
            lease_until: self.lease_until.map(Timestamp),
            started_at: self.started_at.map(Timestamp),
            pause_until: self.pause_until.map(Timestamp),
            failures: self.failures,
        }
    }
}

/// When a trigger wants to be polled.
#[derive(sqlx::FromRow)]
struct TimingRow {
    id: Uuid,
    enabled: bool,
    poll_interval_seconds: Option<i32>,
    cron: Option<String>,
    timezone: Option<String>,
}

impl TimingRow {
    fn timing(&self) -> Option<PollTiming> {
        let Some(cron) = &self.cron else {
            let seconds = u64::try_from(self.poll_interval_seconds?).ok()?;
            return Some(PollTiming::Every(Duration::from_secs(seconds)));
        };
        let zone = self.timezone.as_deref().unwrap_or_default();
        let cron = Cron::parse_stored(cron, zone);
        // One that cannot be read wants nothing, and holds up no other; it says so itself.
        cron.inspect_err(|error| {
            tracing::error!(trigger.id = %TriggerId(self.id), %error, "the cron of a polling trigger cannot be read");
        })
        .ok()
        .map(|cron| PollTiming::At(cron.into()))
    }
}

macro_rules! poll_groups_on {
    ($connection:ty) => {
        impl PollGroups for $connection {
            async fn regroup(
                &mut self,
                integration: Uuid,
                joins: bool,
                now: Timestamp,
            ) -> Result<(), StoreError> {
                if joins {
                    // Where it exists, changing nothing locks it.
                    sqlx::query(
                        "insert into poll_groups (id, org_id, provider, integration_id, epoch,
                            changes, failures, created_at)
                         select $1, org_id, provider, id, 0, 0, 0, $3 from integrations where id = $2
                         on conflict (org_id, provider, integration_id)
                            do update set epoch = poll_groups.epoch",
                    )
                    .bind(PollGroupId::new().0)
                    .bind(integration)
                    .bind(now.0)
                    .execute(&mut *self)
                    .await?;
                }
                let times: Option<TimesRow> = sqlx::query_as(
                    "update poll_groups set changes = changes + 1 where integration_id = $1
                     returning due_at, lease_until, started_at, pause_until, failures",
                )
                .bind(integration)
                .fetch_optional(&mut *self)
                .await?;
                let Some(times) = times else { return Ok(()) };
                let demand = self.demand(integration).await?;
                let after = if demand.is_there {
                    let due_at = times.times().after_change(&demand.timings, now);
                    sqlx::query("update poll_groups set due_at = $2 where integration_id = $1")
                        .bind(integration)
                        .bind(due_at.map(|at| at.0))
                } else {
                    sqlx::query("delete from poll_groups where integration_id = $1")
                        .bind(integration)
                };
                after.execute(&mut *self).await?;
                Ok(())
            }

            async fn demand(&mut self, integration: Uuid) -> Result<Demand, StoreError> {
                let status: Option<String> = sqlx::query_scalar(
                    "select status from integrations where id = $1 and deleted_at is null",
                )
                .bind(integration)
                .fetch_optional(&mut *self)
                .await?;
                let triggers: Vec<TimingRow> = sqlx::query_as(
                    "select t.id, t.enabled, t.poll_interval_seconds, t.cron, t.timezone
                     from triggers t join automations a on a.id = t.automation_id
                     where t.integration_id = $1 and t.kind = $2
                        and t.deleted_at is null and a.deleted_at is null",
                )
                .bind(integration)
                .bind(TriggerKind::Polling.as_str())
                .fetch_all(&mut *self)
                .await?;
                let works = status.as_deref() == Some(IntegrationStatus::Active.as_str());
                let wanted = triggers.iter().filter(|row| works && row.enabled);
                Ok(Demand {
                    is_there: status.is_some() && !triggers.is_empty(),
                    timings: wanted.filter_map(TimingRow::timing).collect(),
                })
            }
        }
    };
}

poll_groups_on!(PgConnection);
poll_groups_on!(SqliteConnection);

/// The integrations of polling triggers, in the order in which their groups are locked.
pub(in crate::store) fn in_lock_order(mut integrations: Vec<Uuid>) -> Vec<Uuid> {
    integrations.sort_unstable();
    integrations.dedup();
    integrations
}
