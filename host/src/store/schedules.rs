//! Schedules: named cron definitions, and the triggers that follow them.

use super::pool::{read, write};
use super::ticks::{Fired, fire_held};
use super::{Page, PageRequest, Store, StoreError};
use crate::domain::cron::Cron;
use crate::domain::schedule::{FiringLimits, Schedule};
use crate::domain::{AutomationId, OrgId, ScheduleId, Timestamp};
use uuid::Uuid;

/// What is written of a schedule; checked by the caller.
#[derive(Clone, Debug)]
pub struct NewSchedule {
    /// For people.
    pub name: String,
    /// When it fires.
    pub cron: String,
    /// Where the clock stands.
    pub timezone: String,
}

/// What may change about a schedule; checked by the caller.
#[derive(Clone, Debug, Default)]
pub struct SchedulePatch {
    /// For people.
    pub name: Option<String>,
    /// When it fires.
    pub cron: Option<String>,
    /// Where the clock stands.
    pub timezone: Option<String>,
}

/// What came of deleting a schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScheduleDeletion {
    /// It is gone.
    Done,
    /// There is no such schedule in this organization.
    NotFound,
    /// Triggers follow it.
    InUse,
}

#[derive(sqlx::FromRow)]
struct ScheduleRow {
    id: Uuid,
    automation_id: Uuid,
    name: String,
    cron: String,
    timezone: String,
    created_at: i64,
    updated_at: i64,
}

impl From<ScheduleRow> for Schedule {
    fn from(row: ScheduleRow) -> Self {
        Self {
            id: ScheduleId(row.id),
            automation_id: AutomationId(row.automation_id),
            name: row.name,
            cron: row.cron,
            timezone: row.timezone,
            created_at: Timestamp(row.created_at),
            updated_at: Timestamp(row.updated_at),
        }
    }
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "select id, automation_id, name, cron, timezone, created_at, updated_at
             from schedules where org_id = $1 and deleted_at is null ",
            $rest
        )
    };
}

/// Locks a schedule until the end of the transaction, before what refers to it is
/// looked at: SQLite has one writer.
macro_rules! hold {
    ($store:expr, $tx:ident, $org:expr, $id:expr) => {{
        let sql = if $store.is_embedded() {
            select!("and id = $2")
        } else {
            select!("and id = $2 for update")
        };
        let held: Option<ScheduleRow> = sqlx::query_as(sql)
            .bind($org.as_str())
            .bind($id.0)
            .fetch_optional(&mut **$tx)
            .await?;
        held
    }};
}

const FIND: &str = "select 1 from automations where org_id = $1 and id = $2 and deleted_at is null";
/// And it stays until the end of the transaction: whoever deletes it deletes what it has
/// by then.
const FIND_AND_KEEP: &str =
    "select 1 from automations where org_id = $1 and id = $2 and deleted_at is null for share";

const DUE: &str = "select id from triggers
    where schedule_id = $1 and due_at <= $2 and enabled and deleted_at is null order by id";
const DUE_AND_KEEP: &str = "select id from triggers
    where schedule_id = $1 and due_at <= $2 and enabled and deleted_at is null order by id
    for update";

impl Store {
    /// Creates a schedule of an automation; none if there is no such.
    ///
    /// # Errors
    /// If the database is unavailable.
    pub async fn create_schedule(
        &self,
        org: &OrgId,
        automation: AutomationId,
        new: &NewSchedule,
        now: Timestamp,
    ) -> Result<Option<Schedule>, StoreError> {
        let id = ScheduleId::new();
        let created = write!(self, tx => {
            let find = if self.is_embedded() { FIND } else { FIND_AND_KEEP };
            let found: Option<i32> = sqlx::query_scalar(find)
                .bind(org.as_str())
                .bind(automation.0)
                .fetch_optional(&mut **tx)
                .await?;
            if found.is_none() {
                return Ok(false);
            }
            sqlx::query(
                "insert into schedules (id, org_id, automation_id, name, cron, timezone, created_at, updated_at)
                 values ($1, $2, $3, $4, $5, $6, $7, $7)",
            )
            .bind(id.0)
            .bind(org.as_str())
            .bind(automation.0)
            .bind(new.name.as_str())
            .bind(new.cron.as_str())
            .bind(new.timezone.as_str())
            .bind(now.0)
            .execute(&mut **tx)
            .await?;
            Ok::<_, StoreError>(true)
        })?;
        Ok(created.then(|| Schedule {
            id,
            automation_id: automation,
            name: new.name.clone(),
            cron: new.cron.clone(),
            timezone: new.timezone.clone(),
            created_at: now,
            updated_at: now,
        }))
    }

    /// One schedule.
    ///
    /// # Errors
    /// If the database is unavailable.
    pub async fn schedule(
        &self,
        org: &OrgId,
        id: ScheduleId,
    ) -> Result<Option<Schedule>, StoreError> {
        let row: Option<ScheduleRow> = read!(self, pool => {
            sqlx::query_as(select!("and id = $2"))
                .bind(org.as_str())
                .bind(id.0)
                .fetch_optional(pool)
                .await?
        });
        Ok(row.map(Schedule::from))
    }

    /// An automation's schedules.
    ///
    /// # Errors
    /// If the database is unavailable.
    pub async fn list_schedules(
        &self,
        org: &OrgId,
        automation: AutomationId,
        page: PageRequest,
    ) -> Result<Page<Schedule>, StoreError> {
        let rows: Vec<ScheduleRow> = read!(self, pool => {
            sqlx::query_as(select!(
                "and automation_id = $2 and id < $3 order by id desc limit $4"
            ))
            .bind(org.as_str())
            .bind(automation.0)
            .bind(page.before())
            .bind(page.fetch())
            .fetch_all(pool)
            .await?
        });
        Ok(page.page(rows, |row| row.id).map(Schedule::from))
    }

    /// Changes a schedule, and when the triggers that follow it are due; none if
    /// there is no such.
    ///
    /// # Errors
    /// If the database is unavailable.
    pub async fn update_schedule(
        &self,
        org: &OrgId,
        id: ScheduleId,
        patch: &SchedulePatch,
        limits: FiringLimits,
        now: Timestamp,
    ) -> Result<Option<Schedule>, StoreError> {
        let mut fired = Fired::default();
        let row: Option<ScheduleRow> = write!(self, tx => {
            // Everybody locks a schedule before the triggers that follow it.
            let held = hold!(self, tx, org, id);
            if held.is_some() {
                // What is due already was due by the old one.
                let due = if self.is_embedded() { DUE } else { DUE_AND_KEEP };
                let due: Vec<Uuid> = sqlx::query_scalar(due)
                    .bind(id.0)
                    .bind(now.0)
                    .fetch_all(&mut **tx)
                    .await?;
                fire_held!(tx, due, now, limits, fired);
            }
            let row: Option<ScheduleRow> = sqlx::query_as(
                "update schedules set name = coalesce($3, name), cron = coalesce($4, cron),
                    timezone = coalesce($5, timezone), updated_at = $6
                 where org_id = $1 and id = $2 and deleted_at is null
                 returning id, automation_id, name, cron, timezone, created_at, updated_at",
            )
            .bind(org.as_str())
            .bind(id.0)
            .bind(patch.name.as_deref())
            .bind(patch.cron.as_deref())
            .bind(patch.timezone.as_deref())
            .bind(now.0)
            .fetch_optional(&mut **tx)
            .await?;
            if let Some(row) = &row {
                let cron = Cron::parse_stored(&row.cron, &row.timezone)
                    .map_err(|error| StoreError::unreadable("schedules", "cron", error))?;
                sqlx::query(
                    "update triggers set due_at = $2
                     where schedule_id = $1 and enabled and deleted_at is null",
                )
                .bind(id.0)
                .bind(cron.next_after(now).map(|at| at.0))
                .execute(&mut **tx)
                .await?;
            }
            Ok::<_, StoreError>(row)
        })?;
        fired.measure();
        Ok(row.map(Schedule::from))
    }

    /// Deletes a schedule that no trigger follows.
    ///
    /// # Errors
    /// If the database is unavailable.
    pub async fn delete_schedule(
        &self,
        org: &OrgId,
        id: ScheduleId,
        now: Timestamp,
    ) -> Result<ScheduleDeletion, StoreError> {
        write!(self, tx => {
            if hold!(self, tx, org, id).is_none() {
                return Ok(ScheduleDeletion::NotFound);
            }
            let follower: Option<i32> = sqlx::query_scalar(
                "select 1 from triggers where schedule_id = $1 and deleted_at is null limit 1",
            )
            .bind(id.0)
            .fetch_optional(&mut **tx)
            .await?;
            if follower.is_some() {
                return Ok(ScheduleDeletion::InUse);
            }
            sqlx::query("update schedules set deleted_at = $2 where id = $1")
                .bind(id.0)
                .bind(now.0)
                .execute(&mut **tx)
                .await?;
            Ok(ScheduleDeletion::Done)
        })
    }
}
