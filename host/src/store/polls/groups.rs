//! Keeps poll groups in step with their triggers and their integration, in the
//! transaction that changes these.
//!
//! Everybody locks in one order: integration, triggers, group. A group's row is the
//! lock under which its triggers are counted, so it is taken before they are looked
//! at: of two transactions that remove the last two triggers, the second one sees that
//! the first one's is gone.

use crate::domain::Timestamp;
use crate::domain::cron::Cron;
use crate::domain::poll_group::{GroupTimes, PollTiming};
use crate::store::StoreError;
use std::time::Duration;
use uuid::Uuid;

/// Creates, re-times, pauses or removes the group of an integration, whatever follows
/// from its triggers and its status now. `$creates` says whether a trigger may have
/// joined.
macro_rules! regroup {
    ($tx:ident, $integration:expr, $creates:expr, $now:expr) => {{
        use $crate::domain::integration::IntegrationStatus;
        use $crate::domain::resource::TriggerKind;
        let integration: uuid::Uuid = $integration;
        if $creates {
            // Where it exists, changing nothing locks it.
            sqlx::query(
                "insert into poll_groups (id, org_id, provider, integration_id, epoch, failures, created_at)
                 select $1, org_id, provider, id, 0, 0, $3 from integrations where id = $2
                 on conflict (org_id, provider, integration_id)
                    do update set epoch = poll_groups.epoch",
            )
            .bind($crate::domain::PollGroupId::new().0)
            .bind(integration)
            .bind($now.0)
            .execute(&mut **$tx)
            .await?;
        }
        let times: Option<$crate::store::polls::TimesRow> = sqlx::query_as(
            "update poll_groups set epoch = epoch where integration_id = $1
             returning due_at, lease_until, started_at, pause_until, failures",
        )
        .bind(integration)
        .fetch_optional(&mut **$tx)
        .await?;
        if let Some(times) = times {
            let status: Option<String> = sqlx::query_scalar(
                "select status from integrations where id = $1 and deleted_at is null",
            )
            .bind(integration)
            .fetch_optional(&mut **$tx)
            .await?;
            let triggers: Vec<$crate::store::polls::TimingRow> = sqlx::query_as(
                "select t.enabled, t.poll_interval_seconds, t.cron, t.timezone
                 from triggers t join automations a on a.id = t.automation_id
                 where t.integration_id = $1 and t.kind = $2
                    and t.deleted_at is null and a.deleted_at is null",
            )
            .bind(integration)
            .bind(TriggerKind::Polling.as_str())
            .fetch_all(&mut **$tx)
            .await?;
            if triggers.is_empty() || status.is_none() {
                sqlx::query("delete from poll_groups where integration_id = $1")
                    .bind(integration)
                    .execute(&mut **$tx)
                    .await?;
            } else {
                let works = status.as_deref() == Some(IntegrationStatus::Active.as_str());
                let timings = match works {
                    true => $crate::store::polls::TimingRow::timings(&triggers)?,
                    false => Vec::new(),
                };
                let due_at = times.times().after_change(&timings, $now);
                sqlx::query("update poll_groups set due_at = $2 where integration_id = $1")
                    .bind(integration)
                    .bind(due_at.map(|at| at.0))
                    .execute(&mut **$tx)
                    .await?;
            }
        }
    }};
}

pub(in crate::store) use regroup;

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
pub(in crate::store) struct TimingRow {
    enabled: bool,
    poll_interval_seconds: Option<i32>,
    cron: Option<String>,
    timezone: Option<String>,
}

impl TimingRow {
    /// The timings of those that are enabled.
    pub(in crate::store) fn timings(rows: &[Self]) -> Result<Vec<PollTiming>, StoreError> {
        rows.iter()
            .filter(|row| row.enabled)
            .map(Self::timing)
            .collect()
    }

    fn timing(&self) -> Result<PollTiming, StoreError> {
        if let Some(cron) = &self.cron {
            let zone = self.timezone.as_deref().unwrap_or_default();
            return Cron::parse_stored(cron, zone)
                .map(|cron| PollTiming::At(cron.into()))
                .map_err(|error| StoreError::unreadable("triggers", "cron", error));
        }
        self.poll_interval_seconds
            .and_then(|seconds| u64::try_from(seconds).ok())
            .map(|seconds| PollTiming::Every(Duration::from_secs(seconds)))
            .ok_or_else(|| {
                let reason = "a polling trigger has neither an interval nor a cron";
                StoreError::unreadable("triggers", "poll_interval_seconds", reason)
            })
    }
}

/// The integrations of polling triggers, in the order in which their groups are locked.
pub(in crate::store) fn in_lock_order(mut integrations: Vec<Uuid>) -> Vec<Uuid> {
    integrations.sort_unstable();
    integrations.dedup();
    integrations
}
