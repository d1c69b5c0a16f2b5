//! Triggers that fire by the clock: what is due is decided, written and given its
//! next tick in one transaction, so a tick is neither lost nor fired twice, however
//! many replicas look.

use super::matching::org_id;
use super::pool::{read, write};
use super::settle::{Draft, insert_draft};
use super::{Store, StoreError};
use crate::domain::cron::Cron;
use crate::domain::schedule::{DueTrigger, FiringLimits};
use crate::domain::{AutomationId, ScheduleId, Timestamp, TriggerId};
use std::time::Duration;
use uuid::Uuid;

/// After this, a trigger whose cron cannot be read is looked at again.
const UNREADABLE_PAUSE: Duration = Duration::from_secs(60 * 60);

/// Computes when a trigger is due next, from what is written about it in this very
/// transaction; never, if it is off or does not fire by the clock.
macro_rules! retime {
    ($tx:ident, $trigger:expr, $now:expr) => {{
        let cron: Option<(Option<String>, Option<String>)> = sqlx::query_as(
            "select coalesce(s.cron, t.cron), coalesce(s.timezone, t.timezone)
             from triggers t left join schedules s on s.id = t.schedule_id
             where t.id = $1 and t.enabled and t.deleted_at is null",
        )
        .bind($trigger)
        .fetch_optional(&mut **$tx)
        .await?;
        let due_at = match cron {
            Some((Some(cron), Some(zone))) => {
                let cron = $crate::domain::cron::Cron::parse_stored(&cron, &zone)
                    .map_err(|error| StoreError::unreadable("triggers", "cron", error))?;
                cron.next_after($now)
            }
            _ => None,
        };
        sqlx::query("update triggers set due_at = $2 where id = $1")
            .bind($trigger)
            .bind(due_at.map(|at| at.0))
            .execute(&mut **$tx)
            .await?;
    }};
}

pub(super) use retime;

/// What firing came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fired {
    /// Triggers that were due.
    pub triggers: usize,
    /// Runs handed over.
    pub runs: usize,
    /// How late the latest of the ticks was seen.
    pub lag: Duration,
}

#[derive(sqlx::FromRow)]
struct DueRow {
    id: Uuid,
    org_id: String,
    automation_id: Uuid,
    automation_enabled: bool,
    name: String,
    cron: Option<String>,
    timezone: Option<String>,
    schedule_id: Option<Uuid>,
    missed_ticks: Option<String>,
    due_at: i64,
}

impl TryFrom<DueRow> for DueTrigger {
    type Error = StoreError;

    fn try_from(row: DueRow) -> Result<Self, StoreError> {
        let cron = row.cron.unwrap_or_default();
        let zone = row.timezone.unwrap_or_default();
        let missed_ticks = row.missed_ticks.map(|missed| missed.parse()).transpose();
        Ok(Self {
            id: TriggerId(row.id),
            org: org_id("triggers", &row.org_id)?,
            automation: AutomationId(row.automation_id),
            automation_enabled: row.automation_enabled,
            name: row.name,
            cron: Cron::parse_stored(&cron, &zone)
                .map_err(|error| StoreError::unreadable("triggers", "cron", error))?,
            schedule: row.schedule_id.map(ScheduleId),
            due_at: Timestamp(row.due_at),
            missed_ticks: missed_ticks
                .map_err(|error| StoreError::unreadable("triggers", "missed_ticks", error))?
                .unwrap_or_default(),
        })
    }
}

macro_rules! due_sql {
    ($lock:literal) => {
        concat!(
            "select t.id, t.org_id, t.automation_id, a.enabled as automation_enabled, t.name,
                coalesce(s.cron, t.cron) as cron, coalesce(s.timezone, t.timezone) as timezone,
                t.schedule_id, t.missed_ticks, t.due_at
             from triggers t join automations a on a.id = t.automation_id
                left join schedules s on s.id = t.schedule_id
             where t.due_at <= $1 order by t.due_at limit $2 ",
            $lock
        )
    };
}

impl Store {
    /// Fires up to `max` triggers that are due at `now`.
    ///
    /// # Errors
    /// If nothing was written.
    pub async fn fire_due(
        &self,
        now: Timestamp,
        limits: FiringLimits,
        max: u32,
    ) -> Result<Fired, StoreError> {
        let sql = if self.is_embedded() {
            due_sql!("")
        } else {
            // Another replica has the others in hand.
            due_sql!("for update of t skip locked")
        };
        write!(self, tx => {
            let rows: Vec<DueRow> = sqlx::query_as(sql)
                .bind(now.0)
                .bind(i64::from(max))
                .fetch_all(&mut **tx)
                .await?;
            let mut fired = Fired { triggers: rows.len(), ..Fired::default() };
            for row in rows {
                let (id, due_at) = (row.id, Timestamp(row.due_at));
                let next = match DueTrigger::try_from(row) {
                    Ok(trigger) => {
                        let firing = trigger.fire(now, limits);
                        for decided in &firing.events {
                            let draft = Draft::new(None, decided);
                            if insert_draft!(tx, &draft, now) && draft.run.is_some() {
                                fired.runs += 1;
                            }
                        }
                        let lag = u64::try_from(now.micros_since(due_at)).unwrap_or(0);
                        fired.lag = fired.lag.max(Duration::from_micros(lag));
                        firing.next
                    }
                    // One row that makes no sense holds up no other.
                    Err(error) => {
                        tracing::error!(trigger.id = %TriggerId(id), %error, "a trigger that is due cannot be read");
                        Some(now + UNREADABLE_PAUSE)
                    }
                };
                sqlx::query("update triggers set due_at = $2 where id = $1")
                    .bind(id)
                    .bind(next.map(|at| at.0))
                    .execute(&mut **tx)
                    .await?;
            }
            Ok(fired)
        })
    }

    /// When the next trigger is due.
    ///
    /// # Errors
    /// If the database is unavailable.
    pub async fn next_tick(&self) -> Result<Option<Timestamp>, StoreError> {
        let due: Option<i64> = read!(self, pool => {
            sqlx::query_scalar("select min(due_at) from triggers where due_at is not null")
                .fetch_one(pool)
                .await?
        });
        Ok(due.map(Timestamp))
    }
}
