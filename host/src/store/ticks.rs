//! Triggers that fire by the clock: what is due is decided, written and given its
//! next tick in one transaction, so a tick is neither lost nor fired twice, however
//! many replicas look.

use super::matching::org_id;
use super::pool::{read, write};
use super::{Store, StoreError};
use crate::domain::cron::Cron;
use crate::domain::event::{DecidedEvent, SkipReason};
use crate::domain::schedule::{DueTrigger, FiringLimits};
use crate::domain::{AutomationId, EventStatus, ScheduleId, Timestamp, TriggerId};
use crate::measure;
use std::time::Duration;
use uuid::Uuid;

/// After this, a trigger whose cron cannot be read is looked at again.
const UNREADABLE_PAUSE: Duration = Duration::from_secs(60 * 60);

/// Computes when a trigger is due next, from what is written about it; never, if it is
/// off or does not fire by the clock. The transaction holds the trigger, and the
/// schedule that it follows.
macro_rules! retime {
    ($tx:ident, $trigger:expr, $now:expr) => {{
        let cron: Option<(Option<String>, Option<String>)> = sqlx::query_as(
            "select coalesce(s.cron, t.cron), coalesce(s.timezone, t.timezone)
             from triggers t left join schedules s on s.id = t.schedule_id
             where t.id = $1 and t.kind = $2 and t.enabled and t.deleted_at is null",
        )
        .bind($trigger)
        .bind($crate::domain::resource::TriggerKind::Scheduled.as_str())
        .fetch_optional(&mut **$tx)
        .await?;
        let due_at = match cron {
            Some((Some(cron), Some(zone))) => $crate::store::ticks::due_after(&cron, &zone, $now),
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

/// When a cron is due next. One that cannot be read keeps nobody from changing what
/// follows it; its owner sees why it does not fire.
pub(super) fn due_after(cron: &str, zone: &str, now: Timestamp) -> Option<Timestamp> {
    match Cron::parse_stored(cron, zone) {
        Ok(cron) => cron.next_after(now),
        Err(_) => Some(now + UNREADABLE_PAUSE),
    }
}

/// What firing came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fired {
    /// Triggers that were due.
    pub triggers: usize,
    /// Runs handed over.
    pub runs: usize,
    /// How late the latest of the ticks was seen.
    pub lag: Duration,
    /// Why other ticks started none.
    pub skips: Vec<SkipReason>,
}

#[derive(sqlx::FromRow)]
pub(super) struct DueRow {
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

/// Fires those of `$ids` that are due, which this transaction holds, and sets their
/// next tick. What is written about them is read by a statement of its own: one that
/// waited for a lock still sees the rows beside it as they were before.
macro_rules! fire_held {
    ($tx:ident, $ids:expr, $now:expr, $limits:expr, $fired:ident) => {{
        let ids: Vec<uuid::Uuid> = $ids;
        for id in ids {
            let row: Option<$crate::store::ticks::DueRow> = sqlx::query_as(
                "select t.id, t.org_id, t.automation_id, a.enabled as automation_enabled, t.name,
                    coalesce(s.cron, t.cron) as cron, coalesce(s.timezone, t.timezone) as timezone,
                    t.schedule_id, t.missed_ticks, t.due_at
                 from triggers t join automations a on a.id = t.automation_id
                    left join schedules s on s.id = t.schedule_id
                 where t.id = $1 and t.due_at <= $2 and t.enabled and t.deleted_at is null",
            )
            .bind(id)
            .bind($now.0)
            .fetch_optional(&mut **$tx)
            .await?;
            let Some(row) = row else { continue };
            let firing = $crate::store::ticks::Firing::of(row, $now, $limits);
            for decided in &firing.events {
                let draft = $crate::store::settle::Draft::new(None, decided, None);
                if $crate::store::settle::insert_draft!($tx, &draft, $now) {
                    match draft.skip() {
                        (Some(reason), _) => $fired.skips.push(reason),
                        (None, _) => $fired.runs += 1,
                    }
                }
            }
            $fired.triggers += 1;
            $fired.lag = $fired.lag.max(firing.lag);
            sqlx::query("update triggers set due_at = $2 where id = $1")
                .bind(id)
                .bind(firing.next.map(|at| at.0))
                .execute(&mut **$tx)
                .await?;
        }
    }};
}

pub(super) use fire_held;

impl Fired {
    /// Counts what was fired, once it is committed.
    pub(super) fn measure(&self) {
        measure::events(EventStatus::Queued.as_str(), "", self.runs);
        for reason in &self.skips {
            measure::events(EventStatus::Skipped.as_str(), reason.as_str(), 1);
        }
        if self.triggers > 0 {
            measure::fired(self.lag);
        }
    }
}

/// What a trigger that is due comes to.
pub(super) struct Firing {
    pub(super) events: Vec<DecidedEvent>,
    pub(super) next: Option<Timestamp>,
    pub(super) lag: Duration,
}

impl Firing {
    pub(super) fn of(row: DueRow, now: Timestamp, limits: FiringLimits) -> Self {
        let (id, due_at) = (row.id, Timestamp(row.due_at));
        let lag = u64::try_from(now.micros_since(due_at)).unwrap_or(0);
        let lag = Duration::from_micros(lag);
        match DueTrigger::try_from(row) {
            Ok(trigger) => {
                let firing = trigger.fire(now, limits);
                Self {
                    events: firing.events,
                    next: firing.next,
                    lag,
                }
            }
            // One row that makes no sense holds up no other.
            Err(error) => {
                tracing::error!(trigger.id = %TriggerId(id), %error, "a trigger that is due cannot be read");
                Self {
                    events: Vec::new(),
                    next: Some(now + UNREADABLE_PAUSE),
                    lag: Duration::ZERO,
                }
            }
        }
    }
}

macro_rules! due_sql {
    ($lock:literal) => {
        concat!(
            "select id from triggers where due_at <= $1 and enabled and deleted_at is null
             order by due_at limit $2 ",
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
            due_sql!("for update skip locked")
        };
        let fired: Fired = write!(self, tx => {
            let ids: Vec<Uuid> = sqlx::query_scalar(sql)
                .bind(now.0)
                .bind(i64::from(max))
                .fetch_all(&mut **tx)
                .await?;
            let mut fired = Fired::default();
            fire_held!(tx, ids, now, limits, fired);
            Ok::<_, StoreError>(fired)
        })?;
        fired.measure();
        Ok(fired)
    }

    /// Puts off the trigger that is due first, because it cannot be fired; which one.
    ///
    /// # Errors
    /// If the database is unavailable.
    pub async fn put_off_tick(&self, now: Timestamp) -> Result<Option<TriggerId>, StoreError> {
        let id: Option<Uuid> = write!(self, tx => {
            Ok::<_, StoreError>(sqlx::query_scalar(
                "update triggers set due_at = $2 where id = (
                    select id from triggers where due_at <= $1 and enabled and deleted_at is null
                    order by due_at limit 1)
                 returning id",
            )
            .bind(now.0)
            .bind((now + UNREADABLE_PAUSE).0)
            .fetch_optional(&mut **tx)
            .await?)
        })?;
        Ok(id.map(TriggerId))
    }

    /// When the next trigger is due.
    ///
    /// # Errors
    /// If the database is unavailable.
    pub async fn next_tick(&self) -> Result<Option<Timestamp>, StoreError> {
        let due: Option<i64> = read!(self, pool => {
            sqlx::query_scalar(
                "select min(due_at) from triggers
                 where due_at is not null and enabled and deleted_at is null",
            )
                .fetch_one(pool)
                .await?
        });
        Ok(due.map(Timestamp))
    }
}
