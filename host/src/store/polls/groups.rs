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
use crate::store::db::{Column, Query, Tx, UpdateEach, columns, exec, row};
use std::collections::HashMap;
use std::sync::LazyLock;
use std::time::Duration;

/// SQLite takes 32,766 values.
const KEYS_PER_QUERY_MAX: usize = 1_000;

/// The demand of an integration's polling triggers.
#[derive(Default)]
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
    integration_id: IntegrationId,
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
    regroup_all(tx, vec![integration], now).await
}

#[derive(sqlx_macros::FromRow)]
struct GroupRow {
    integration_id: IntegrationId,
    #[sqlx(flatten)]
    times: GroupTimes,
}

/// When a group is due.
struct Due {
    integration: IntegrationId,
    due_at: Option<Timestamp>,
}

fn due_columns() -> [Column<Due>; 2] {
    columns!(Due {
        integration_id: uuid = |due| due.integration.0,
        due_at: int8 = |due| due.due_at.map(|at| at.0),
    })
}

/// [`regroup`] for many integrations that no trigger has joined, by as many statements as
/// for one.
pub(in crate::store) async fn regroup_all(
    tx: &mut Tx<'_>,
    integrations: Vec<IntegrationId>,
    now: Timestamp,
) -> Result<(), StoreError> {
    tx.concerns(Signal::Polls);
    for integrations in in_lock_order(integrations).chunks(KEYS_PER_QUERY_MAX) {
        regroup_some(tx, integrations, now).await?;
    }
    Ok(())
}

async fn regroup_some(
    tx: &mut Tx<'_>,
    integrations: &[IntegrationId],
    now: Timestamp,
) -> Result<(), StoreError> {
    static DUE: LazyLock<UpdateEach> =
        LazyLock::new(|| UpdateEach::of("poll_groups", &due_columns()));
    // In the order of their integrations, as everywhere: two transactions that held each
    // other's first group would wait forever.
    let groups: Vec<GroupRow> = Query::new(
        "select integration_id, due_at, lease_until, started_at, pause_until, failures
         from poll_groups where integration_id",
    )
    .one_of(integrations.iter().copied())
    .push(" order by integration_id")
    .lock("for update")
    .all(tx)
    .await?;
    let with_group: Vec<IntegrationId> = groups.iter().map(|row| row.integration_id).collect();
    if with_group.is_empty() {
        return Ok(());
    }
    let mut demands = demands(tx, &with_group).await?;
    let (mut due, mut without) = (Vec::new(), Vec::new());
    for GroupRow {
        integration_id: integration,
        times,
    } in groups
    {
        let demand = demands.remove(&integration).unwrap_or_default();
        if demand.is_there {
            let due_at = times.after_change(&demand.timings, now);
            due.push(Due {
                integration,
                due_at,
            });
        } else {
            without.push(integration);
        }
    }
    Query::new("update poll_groups set changes = changes + 1 where integration_id")
        .one_of(with_group)
        .exec(tx)
        .await?;
    DUE.run(tx, &due_columns(), &due).await?;
    if !without.is_empty() {
        Query::new("delete from poll_groups where integration_id")
            .one_of(without)
            .exec(tx)
            .await?;
    }
    Ok(())
}

/// The demand of an integration's triggers, as they are now.
pub(in crate::store) async fn demand(
    tx: &mut Tx<'_>,
    integration: IntegrationId,
) -> Result<Demand, StoreError> {
    let mut demands = demands(tx, &[integration]).await?;
    Ok(demands.remove(&integration).unwrap_or_default())
}

#[derive(sqlx_macros::FromRow)]
struct StatusRow {
    id: IntegrationId,
    status: IntegrationStatus,
}

/// The demands of integrations that are not deleted, of which there is at least one.
async fn demands(
    tx: &mut Tx<'_>,
    integrations: &[IntegrationId],
) -> Result<HashMap<IntegrationId, Demand>, StoreError> {
    let statuses: Vec<StatusRow> =
        Query::new("select id, status from integrations where deleted_at is null and id")
            .one_of(integrations.iter().copied())
            .all(tx)
            .await?;
    let triggers: Vec<TimingRow> = Query::new(
        "select t.id, t.integration_id, t.enabled, t.poll_interval_seconds, t.cron, t.timezone
         from triggers t join automations a on a.id = t.automation_id
         where t.deleted_at is null and a.deleted_at is null and t.kind = ",
    )
    .bind(TriggerKind::Polling.as_str())
    .push(" and t.integration_id")
    .one_of(integrations.iter().copied())
    .all(tx)
    .await?;
    let works: HashMap<IntegrationId, bool> = statuses
        .into_iter()
        .map(|row| (row.id, row.status == IntegrationStatus::Active))
        .collect();
    let mut demands: HashMap<IntegrationId, Demand> = HashMap::new();
    for trigger in triggers {
        let Some(works) = works.get(&trigger.integration_id) else {
            continue;
        };
        let demand = demands.entry(trigger.integration_id).or_default();
        demand.is_there = true;
        if *works && trigger.enabled {
            demand.timings.extend(trigger.timing());
        }
    }
    Ok(demands)
}

/// The integrations of polling triggers, in the order in which their groups are locked.
pub(in crate::store) fn in_lock_order(mut integrations: Vec<IntegrationId>) -> Vec<IntegrationId> {
    integrations.sort_unstable();
    integrations.dedup();
    integrations
}
