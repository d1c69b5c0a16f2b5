//! Schedules: named cron definitions, and the triggers that follow them.

use super::db::{ByEngine, Tx, all, insert, locked, optional, row, update};
use super::triggers::ticks::{self, Fired};
use super::{Page, PageRequest, Store, StoreError};
use crate::domain::cron::Cron;
use crate::domain::schedule::{FiringLimits, Schedule};
use crate::domain::{AutomationId, OrgId, ScheduleId, Timestamp, TriggerId};
use crate::signals::Signal;
use constcat::concat;

/// A schedule to create; checked by the caller.
#[derive(Clone, Debug)]
pub struct NewSchedule {
    /// A name for people.
    pub name: String,
    /// Its cron expression.
    pub cron: String,
    /// Its IANA time zone.
    pub timezone: String,
}

/// A change of a schedule; checked by the caller.
#[derive(Clone, Debug, Default)]
pub struct SchedulePatch {
    /// A name for people.
    pub name: Option<String>,
    /// Its cron expression.
    pub cron: Option<String>,
    /// Its IANA time zone.
    pub timezone: Option<String>,
}

/// The result of deleting a schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScheduleDeletion {
    /// It is deleted.
    Done,
    /// The organization has no such schedule.
    NotFound,
    /// Triggers follow it.
    InUse,
}

row!(Schedule {
    id,
    automation_id,
    name,
    cron,
    timezone,
    created_at,
    updated_at
});

const OF_ORG: &str = concat!(
    "select ",
    Schedule::COLUMNS,
    " from schedules where org_id = $1 and deleted_at is null "
);
const ONE: &str = concat!(OF_ORG, "and id = $2");
const PAGE: &str = concat!(
    OF_ORG,
    "and automation_id = $2 and id < $3 order by id desc limit $4"
);
const HOLD: ByEngine = locked!(ONE, "for update");
const UPDATE: &str = concat!(
    "update schedules set name = coalesce($3, name), cron = coalesce($4, cron),
        timezone = coalesce($5, timezone), updated_at = $6
     where org_id = $1 and id = $2 and deleted_at is null
     returning ",
    Schedule::COLUMNS
);

// Locked: a transaction that deletes the automation deletes the schedules that it then has.
const FIND_AUTOMATION: ByEngine = locked!(
    "select 1 from automations where org_id = $1 and id = $2 and deleted_at is null",
    "for share"
);
const DUE: ByEngine = locked!(
    "select id from triggers
     where schedule_id = $1 and due_at <= $2 and enabled and deleted_at is null
     order by id limit $3",
    "for update"
);

/// Locks a schedule, before the triggers that follow it.
async fn hold(
    tx: &mut Tx<'_>,
    org: &OrgId,
    id: ScheduleId,
) -> Result<Option<Schedule>, StoreError> {
    optional!(tx, Schedule, HOLD, org, id)
}

/// Changes a schedule, which may not be there; or fires only, if more is due than one
/// transaction may have.
async fn change(
    tx: &mut Tx<'_>,
    org: &OrgId,
    id: ScheduleId,
    patch: &SchedulePatch,
    limits: FiringLimits,
    now: Timestamp,
) -> Result<(Option<Option<Schedule>>, Fired), StoreError> {
    if hold(tx, org, id).await?.is_none() {
        return Ok((Some(None), Fired::default()));
    }
    // Ticks that are due were due by the old cron.
    let max = i64::try_from(limits.events_max).unwrap_or(i64::MAX);
    let due = all!(tx, scalar TriggerId, DUE, id, now, max)?;
    let fired = ticks::fire(tx, &due, now, limits).await?;
    if fired.is_cut {
        return Ok((None, fired));
    }
    // Their next tick may be sooner.
    tx.concerns(Signal::Routes);
    let (name, cron) = (patch.name.as_deref(), patch.cron.as_deref());
    let zone = patch.timezone.as_deref();
    let schedule = optional!(tx, Schedule, UPDATE, org, id, name, cron, zone, now)?;
    if let Some(schedule) = &schedule {
        let cron = Cron::parse_stored(&schedule.cron, &schedule.timezone)
            .map_err(|error| StoreError::unreadable("schedules", "cron", error))?;
        let since = None::<Timestamp>;
        update!(tx, "triggers" set { due_at: cron.next_after(now), due_since: since }
            where { schedule_id: id }, "and enabled and deleted_at is null")?;
    }
    Ok((Some(schedule), fired))
}

impl Store {
    /// Creates a schedule of an automation; none if the organization has no such automation.
    pub async fn create_schedule(
        &self,
        org: &OrgId,
        automation: AutomationId,
        new: &NewSchedule,
        now: Timestamp,
    ) -> Result<Option<Schedule>, StoreError> {
        let schedule = Schedule {
            id: ScheduleId::new(),
            automation_id: automation,
            name: new.name.clone(),
            cron: new.cron.clone(),
            timezone: new.timezone.clone(),
            created_at: now,
            updated_at: now,
        };
        self.write(async |tx| {
            if optional!(tx, scalar i32, FIND_AUTOMATION, org, automation)?.is_none() {
                return Ok(None);
            }
            insert!(tx, "schedules" {
                id: schedule.id,
                org_id: org,
                automation_id: automation,
                name: schedule.name.as_str(),
                cron: schedule.cron.as_str(),
                timezone: schedule.timezone.as_str(),
                created_at: now,
                updated_at: now,
            })?;
            Ok(Some(schedule))
        })
        .await
    }

    /// One schedule.
    pub async fn schedule(
        &self,
        org: &OrgId,
        id: ScheduleId,
    ) -> Result<Option<Schedule>, StoreError> {
        self.read(async |tx| optional!(tx, Schedule, ONE, org, id))
            .await
    }

    /// An automation's schedules.
    pub async fn list_schedules(
        &self,
        org: &OrgId,
        automation: AutomationId,
        page: PageRequest,
    ) -> Result<Page<Schedule>, StoreError> {
        let (before, fetch) = (page.before(), page.fetch());
        let items = self
            .read(async |tx| all!(tx, Schedule, PAGE, org, automation, before, fetch))
            .await?;
        Ok(page.page(items, |schedule: &Schedule| schedule.id.0))
    }

    /// Changes a schedule, and the next ticks of the triggers that follow it; none if the
    /// organization has no such schedule.
    pub async fn update_schedule(
        &self,
        org: &OrgId,
        id: ScheduleId,
        patch: &SchedulePatch,
        limits: FiringLimits,
        now: Timestamp,
    ) -> Result<Option<Schedule>, StoreError> {
        loop {
            let (changed, fired) = self
                .write(async |tx| change(tx, org, id, patch, limits, now).await)
                .await?;
            fired.measure();
            if let Some(schedule) = changed {
                return Ok(schedule);
            }
        }
    }

    /// Deletes a schedule that no trigger follows.
    pub async fn delete_schedule(
        &self,
        org: &OrgId,
        id: ScheduleId,
        now: Timestamp,
    ) -> Result<ScheduleDeletion, StoreError> {
        self.write(async |tx| {
            if hold(tx, org, id).await?.is_none() {
                return Ok(ScheduleDeletion::NotFound);
            }
            let follower = optional!(
                tx,
                scalar i32,
                "select 1 from triggers where schedule_id = $1 and deleted_at is null limit 1",
                id,
            )?;
            if follower.is_some() {
                return Ok(ScheduleDeletion::InUse);
            }
            update!(tx, "schedules" set { deleted_at: now } where { id: id })?;
            Ok(ScheduleDeletion::Done)
        })
        .await
    }
}
