//! Creates, changes and deletes triggers. Each change becomes known to the routes.

use super::read;
use super::ticks::{self, Fired, fire, retime};
use super::{NewTrigger, TriggerAutomation, TriggerPatch, TriggerPoll};
use crate::domain::patch::Patch;
use crate::domain::resource::{Automation, Trigger, TriggerKind};
use crate::domain::schedule::FiringLimits;
use crate::domain::{AutomationId, IntegrationId, OrgId, ScheduleId, Timestamp, TriggerId};
use crate::store::db::{ByEngine, Tx, all, exec, insert, locked, optional};
use crate::store::polls::{in_lock_order, regroup};
use crate::store::{Store, StoreError, automations, routes, secrets};
use serde_json::Value;
use uuid::Uuid;

/// Finds a row of an organization and locks it: on Postgres it could be deleted before the
/// end of the transaction otherwise.
macro_rules! find {
    ($table:literal) => {
        locked!(
            concat!(
                "select 1 from ",
                $table,
                " where org_id = $1 and id = $2 and deleted_at is null"
            ),
            "for share"
        )
    };
}

const AUTOMATION: ByEngine = find!("automations");
const INTEGRATION: ByEngine = find!("integrations");
const SCHEDULE: ByEngine = find!("schedules");

const POLLED: ByEngine = locked!(
    "select integration_id from triggers
     where org_id = $1 and id = $2 and kind = $3 and deleted_at is null",
    "for update"
);
const HOLD: ByEngine = locked!(
    "select id from triggers where org_id = $1 and id = $2 and deleted_at is null",
    "for update"
);
const HOLD_AUTOMATION: ByEngine = locked!(
    "select 1 from automations where id = (
        select automation_id from triggers where org_id = $1 and id = $2 and deleted_at is null)",
    "for no key update"
);
const FOLLOWS: &str =
    "select schedule_id from triggers where org_id = $1 and id = $2 and deleted_at is null";

/// Fails with [`StoreError::Missing`] unless `find` finds the row.
async fn require(
    tx: &mut Tx<'_>,
    find: ByEngine,
    what: &'static str,
    org: &OrgId,
    id: impl Into<Uuid>,
) -> Result<(), StoreError> {
    let id: Uuid = id.into();
    match optional!(tx, scalar i32, find, org, id)? {
        Some(_) => Ok(()),
        None => Err(StoreError::Missing { what }),
    }
}

fn seconds(seconds: Option<u32>) -> Option<i32> {
    seconds.map(|seconds| i32::try_from(seconds).unwrap_or(i32::MAX))
}

impl Store {
    /// Creates a trigger, and its automation where that is new, in one transaction.
    ///
    /// # Errors
    /// [`StoreError::Missing`] if its automation, integration or schedule does not exist in
    /// this organization.
    pub async fn create_trigger(
        &self,
        org: &OrgId,
        new: &NewTrigger,
        now: Timestamp,
    ) -> Result<Trigger, StoreError> {
        let created = self
            .write(async |tx| {
                insert_trigger(tx, org, new, now).await?;
                read::one(tx, org, new.id).await
            })
            .await?;
        created
            .map(|(trigger, _)| trigger)
            .ok_or(StoreError::Missing { what: "trigger" })
    }

    /// Changes a trigger; none if the organization has no such trigger.
    ///
    /// # Errors
    /// [`StoreError::Missing`] if the integration or schedule does not exist in this
    /// organization.
    pub async fn update_trigger(
        &self,
        org: &OrgId,
        id: TriggerId,
        patch: &TriggerPatch,
        limits: FiringLimits,
        now: Timestamp,
    ) -> Result<Option<(Trigger, Option<String>)>, StoreError> {
        loop {
            let (trigger, fired) = self
                .write(async |tx| {
                    let fired = update_trigger(tx, org, id, patch, limits, now).await?;
                    Ok((read::one(tx, org, id).await?, fired))
                })
                .await?;
            fired.measure();
            // The change comes with the last ticks that are due.
            if !fired.is_cut {
                return Ok(trigger);
            }
        }
    }

    /// Deletes a trigger; false if the organization has no such trigger. Its events stay, and
    /// a tick that was due is fired.
    pub async fn delete_trigger(
        &self,
        org: &OrgId,
        id: TriggerId,
        limits: FiringLimits,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        loop {
            let (found, fired) = self
                .write(async |tx| delete_trigger(tx, org, id, limits, now).await)
                .await?;
            fired.measure();
            if !fired.is_cut {
                return Ok(found);
            }
        }
    }
}

/// Deletes a trigger, and says whether it was there; or fires only, if more is due than one
/// transaction may have.
async fn delete_trigger(
    tx: &mut Tx<'_>,
    org: &OrgId,
    id: TriggerId,
    limits: FiringLimits,
    now: Timestamp,
) -> Result<(bool, Fired), StoreError> {
    let held = all!(tx, scalar TriggerId, HOLD, org, id)?;
    let fired = fire(tx, &held, now, limits).await?;
    if fired.is_cut {
        return Ok((true, fired));
    }
    let deleted = optional!(
        tx,
        (TriggerKind, Option<IntegrationId>),
        "update triggers set deleted_at = $3, due_at = null, due_since = null, manual_of = null
         where org_id = $1 and id = $2 and deleted_at is null
         returning kind, integration_id",
        org,
        id,
        now,
    )?;
    let Some((kind, integration)) = deleted else {
        return Ok((false, fired));
    };
    if let Some(integration) = integration.filter(|_| kind == TriggerKind::Polling) {
        regroup(tx, integration, false, now).await?;
    }
    secrets::remove(tx, id.0).await?;
    routes::changed(tx, &[id.0]).await?;
    Ok((true, fired))
}

async fn insert_trigger(
    tx: &mut Tx<'_>,
    org: &OrgId,
    new: &NewTrigger,
    now: Timestamp,
) -> Result<(), StoreError> {
    let automation = match &new.automation {
        TriggerAutomation::New(name) => {
            let automation = Automation {
                id: AutomationId::new(),
                name: name.clone(),
                enabled: true,
                created_at: now,
                updated_at: now,
            };
            automations::insert(tx, org, &automation).await?;
            automation.id
        }
        TriggerAutomation::Existing(id) => {
            require(tx, AUTOMATION, "automation", org, id.0).await?;
            *id
        }
    };
    if let Some(id) = new.integration {
        require(tx, INTEGRATION, "integration", org, id.0).await?;
    }
    let clock = new.clock.as_ref();
    let schedule = clock.and_then(|clock| clock.schedule);
    if let Some(id) = schedule {
        require(tx, SCHEDULE, "schedule", org, id.0).await?;
    }
    let of_clock = clock.and_then(|clock| clock.cron.as_ref());
    let of_clock = of_clock.map(|(cron, zone)| (cron.as_str(), zone.as_str()));
    let cron = of_clock.or(new.poll.as_ref().and_then(TriggerPoll::cron));
    insert!(tx, "triggers" {
        id: new.id,
        org_id: org,
        automation_id: automation,
        name: new.name.as_str(),
        provider: new.provider.as_str(),
        kind: new.kind,
        integration_id: new.integration,
        config: new.config.to_string(),
        enabled: new.enabled,
        token: new.endpoint.as_ref().map(|endpoint| endpoint.token.as_str()),
        cron: cron.map(|(cron, _)| cron),
        timezone: cron.map(|(_, zone)| zone),
        schedule_id: schedule,
        missed_ticks: clock.map(|clock| clock.missed_ticks),
        poll_interval_seconds:
            seconds(new.poll.as_ref().and_then(TriggerPoll::interval_seconds)),
        created_at: now,
        updated_at: now,
    })?;
    if let Some(endpoint) = &new.endpoint {
        secrets::add(tx, new.id.0, &endpoint.secret, now).await?;
    }
    if clock.is_some() {
        retime(tx, new.id, now).await?;
    }
    if let Some(integration) = new.integration.filter(|_| new.poll.is_some()) {
        regroup(tx, integration, true, now).await?;
    }
    routes::changed(tx, &[new.id.0]).await
}

async fn update_trigger(
    tx: &mut Tx<'_>,
    org: &OrgId,
    id: TriggerId,
    patch: &TriggerPatch,
    limits: FiringLimits,
    now: Timestamp,
) -> Result<Fired, StoreError> {
    let retimed = patch.cron.is_some()
        || patch.timezone.is_some()
        || patch.schedule.is_some()
        || patch.enabled.is_some();
    if retimed {
        // One change of an automation's triggers at a time, so that the schedule which this
        // trigger follows stays as it is read below.
        optional!(tx, scalar i32, HOLD_AUTOMATION, org, id)?;
    }
    if let Patch::Set(integration) = patch.integration {
        require(tx, INTEGRATION, "integration", org, integration.0).await?;
    }
    // The integration whose group it leaves; the lock keeps it from moving meanwhile.
    let polled =
        optional!(tx, scalar Option<IntegrationId>, POLLED, org, id, TriggerKind::Polling)?;
    let mut fired = Fired::default();
    if retimed {
        // A schedule is locked before the triggers that follow it, as everywhere.
        let follows = optional!(tx, scalar Option<ScheduleId>, FOLLOWS, org, id)?;
        if let Some(schedule) = patch.schedule.or(follows.flatten()) {
            require(tx, SCHEDULE, "schedule", org, schedule.0).await?;
        }
        let held = all!(tx, scalar TriggerId, HOLD, org, id)?;
        // A tick that is due was due by the old cron.
        fired = ticks::fire(tx, &held, now, limits).await?;
        if fired.is_cut {
            return Ok(fired);
        }
    }
    let changed = exec!(
        tx,
        "update triggers set name = coalesce($3, name), config = coalesce($4, config),
            enabled = coalesce($5, enabled),
            integration_id = case when $6 then $7 else integration_id end,
            cron = case when $8 is null and $9 is null then coalesce($10, cron) end,
            timezone = case when $8 is null and $9 is null then coalesce($11, timezone) end,
            schedule_id = case when $10 is null then coalesce($8, schedule_id) end,
            missed_ticks = coalesce($12, missed_ticks),
            poll_interval_seconds =
                case when $10 is null then coalesce($9, poll_interval_seconds) end,
            updated_at = $13
         where org_id = $1 and id = $2 and deleted_at is null",
        org,
        id,
        patch.name.as_deref(),
        patch.config.as_ref().map(Value::to_string),
        patch.enabled,
        !patch.integration.is_keep(),
        patch.integration.value(),
        patch.schedule,
        seconds(patch.poll_interval_seconds),
        patch.cron.as_deref(),
        patch.timezone.as_deref(),
        patch.missed_ticks,
        now,
    )?;
    if changed == 0 {
        return Ok(fired);
    }
    if retimed {
        retime(tx, id, now).await?;
    }
    if let Some(left) = polled.flatten().filter(|_| patch.concerns_polls()) {
        let joined = patch.integration.value();
        for integration in in_lock_order([left].into_iter().chain(joined).collect()) {
            regroup(tx, integration, joined == Some(integration), now).await?;
        }
    }
    routes::changed(tx, &[id.0]).await?;
    Ok(fired)
}
