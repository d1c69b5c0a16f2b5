//! Keeps poll groups in step with their triggers and their integration, in the transaction
//! that changes these.
//!
//! Every transaction locks in this order: integration, triggers, group. A group's row is
//! the lock under which its triggers are counted, so it is taken before they are read: of
//! two transactions that remove the last two triggers, the second one sees that the first
//! one's is gone.

use crate::domain::cron::Cron;
use crate::domain::integration::IntegrationStatus;
use crate::domain::poll_group::{GroupTimes, PollTiming};
use crate::domain::resource::TriggerKind;
use crate::domain::{IntegrationId, PollGroupId, Timestamp, TriggerId};
use crate::signals::Signal;
use crate::store::StoreError;
use crate::store::db::{Tx, all, exec, optional, row, update};
use std::time::Duration;

/// The demand of an integration's polling triggers.
pub(in crate::store) struct Demand {
    /// The integration exists and has polling triggers.
    is_there: bool,
    /// Their timings; none while the integration is paused.
    pub(in crate::store) timings: Vec<PollTiming>,
}

row!(GroupTimes {
    due_at,
    lease_until,
    started_at,
    pause_until,
    failures
});

/// The timing of a polling trigger.
#[derive(sqlx_macros::FromRow)]
struct TimingRow {
    id: TriggerId,
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
        // An unreadable cron demands nothing and holds up no other trigger.
        cron.inspect_err(|error| {
            tracing::error!(trigger.id = %self.id, %error, "the cron of a polling trigger cannot be read");
        })
        .ok()
        .map(|cron| PollTiming::At(cron.into()))
    }
}

/// Creates, re-times, pauses or removes the group of an integration, according to its
/// triggers and its status now; a page that is under way is asked for again. `joins` says
/// that a trigger may have joined.
pub(in crate::store) async fn regroup(
    tx: &mut Tx<'_>,
    integration: IntegrationId,
    joins: bool,
    now: Timestamp,
) -> Result<(), StoreError> {
    tx.concerns(Signal::Polls);
    if joins {
        // The update changes nothing, but locks the row that is there.
        exec!(
            tx,
            "insert into poll_groups (id, org_id, provider, integration_id, epoch,
                changes, failures, created_at)
             select $1, org_id, provider, id, 0, 0, 0, $3 from integrations where id = $2
             on conflict (org_id, provider, integration_id)
                do update set epoch = poll_groups.epoch",
            PollGroupId::new(),
            integration,
            now,
        )?;
    }
    let times = optional!(
        tx,
        GroupTimes,
        "update poll_groups set changes = changes + 1 where integration_id = $1
         returning due_at, lease_until, started_at, pause_until, failures",
        integration,
    )?;
    let Some(times) = times else { return Ok(()) };
    let demand = demand(tx, integration).await?;
    if demand.is_there {
        let due_at = times.after_change(&demand.timings, now);
        update!(tx, "poll_groups" set { due_at: due_at } where { integration_id: integration })?;
    } else {
        exec!(
            tx,
            "delete from poll_groups where integration_id = $1",
            integration
        )?;
    }
    Ok(())
}

/// The demand of an integration's triggers, as they are now.
pub(in crate::store) async fn demand(
    tx: &mut Tx<'_>,
    integration: IntegrationId,
) -> Result<Demand, StoreError> {
    let status = optional!(
        tx,
        scalar IntegrationStatus,
        "select status from integrations where id = $1 and deleted_at is null",
        integration,
    )?;
    let triggers = all!(
        tx,
        TimingRow,
        "select t.id, t.enabled, t.poll_interval_seconds, t.cron, t.timezone
         from triggers t join automations a on a.id = t.automation_id
         where t.integration_id = $1 and t.kind = $2
            and t.deleted_at is null and a.deleted_at is null",
        integration,
        TriggerKind::Polling,
    )?;
    let works = status == Some(IntegrationStatus::Active);
    let wanted = triggers.iter().filter(|row| works && row.enabled);
    Ok(Demand {
        is_there: status.is_some() && !triggers.is_empty(),
        timings: wanted.filter_map(TimingRow::timing).collect(),
    })
}

/// The integrations of polling triggers, in the order in which their groups are locked.
pub(in crate::store) fn in_lock_order(mut integrations: Vec<IntegrationId>) -> Vec<IntegrationId> {
    integrations.sort_unstable();
    integrations.dedup();
    integrations
}
