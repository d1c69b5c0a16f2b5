//! Triggers that fire by the clock. One transaction decides the ticks that are due, writes
//! their events and sets the next tick, so a tick is neither lost nor fired twice, however
//! many replicas look.

use crate::domain::cron::Cron;
use crate::domain::event::{DecidedEvent, SkipReason};
use crate::domain::resource::TriggerKind;
use crate::domain::schedule::{DueTrigger, FiringLimits, MissedTicks};
use crate::domain::{AutomationId, EventStatus, OrgId, ScheduleId, Timestamp, TriggerId};
use crate::measure;
use crate::store::db::{ByEngine, Tried, Tx, all, locked, one, optional, update};
use crate::store::events::draft::Draft;
use crate::store::events::write;
use crate::store::{Store, StoreError};
use std::time::Duration;

/// The pause before a trigger whose cron cannot be read is looked at again.
const UNREADABLE_PAUSE: Duration = Duration::from_secs(60 * 60);

/// Sets the time of a trigger's next tick, from what is written about it; none if it is off
/// or does not fire by the clock. The transaction holds the trigger, and the schedule that
/// it follows.
pub(super) async fn retime(
    tx: &mut Tx<'_>,
    trigger: TriggerId,
    now: Timestamp,
) -> Result<(), StoreError> {
    let cron = optional!(
        tx,
        (Option<String>, Option<String>),
        "select coalesce(s.cron, t.cron), coalesce(s.timezone, t.timezone)
         from triggers t left join schedules s on s.id = t.schedule_id
         where t.id = $1 and t.kind = $2 and t.enabled and t.deleted_at is null",
        trigger,
        TriggerKind::Scheduled,
    )?;
    let due_at = match cron {
        Some((Some(cron), Some(zone))) => due_after(&cron, &zone, now),
        _ => None,
    };
    update!(tx, "triggers" set { due_at: due_at } where { id: trigger })?;
    Ok(())
}

/// The next tick of a cron. An unreadable cron does not block a change of its trigger or
/// schedule; its owner sees why it does not fire.
pub(super) fn due_after(cron: &str, zone: &str, now: Timestamp) -> Option<Timestamp> {
    match Cron::parse_stored(cron, zone) {
        Ok(cron) => cron.next_after(now),
        Err(_) => Some(now + UNREADABLE_PAUSE),
    }
}

/// The result of firing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fired {
    /// Triggers that were due.
    pub triggers: usize,
    /// Runs handed over.
    pub runs: usize,
    /// The delay of the tick that was seen latest.
    pub lag: Duration,
    /// The reasons of ticks that started no run.
    pub skips: Vec<SkipReason>,
}

#[derive(sqlx_macros::FromRow)]
struct DueRow {
    id: TriggerId,
    due_at: Timestamp,
    #[sqlx(flatten)]
    trigger: Tried<Readable>,
}

#[derive(sqlx_macros::FromRow)]
struct Readable {
    org_id: OrgId,
    automation_id: AutomationId,
    automation_enabled: bool,
    name: String,
    cron: Option<String>,
    timezone: Option<String>,
    schedule_id: Option<ScheduleId>,
    missed_ticks: Option<MissedTicks>,
}

impl DueRow {
    fn trigger(self) -> Result<DueTrigger, StoreError> {
        let row = self.trigger.row?;
        let cron = row.cron.unwrap_or_default();
        let zone = row.timezone.unwrap_or_default();
        Ok(DueTrigger {
            id: self.id,
            org: row.org_id,
            automation: row.automation_id,
            automation_enabled: row.automation_enabled,
            name: row.name,
            cron: Cron::parse_stored(&cron, &zone)
                .map_err(|error| StoreError::unreadable("triggers", "cron", error))?,
            schedule: row.schedule_id,
            due_at: self.due_at,
            missed_ticks: row.missed_ticks.unwrap_or_default(),
        })
    }
}

/// Fires the triggers `ids` that are due, which this transaction holds, and sets their next
/// tick. Each row is read by a statement of its own: a statement that waited for a lock
/// still sees the rows of other tables as they were before.
pub(in crate::store) async fn fire(
    tx: &mut Tx<'_>,
    ids: Vec<TriggerId>,
    now: Timestamp,
    limits: FiringLimits,
) -> Result<Fired, StoreError> {
    let mut fired = Fired::default();
    for id in ids {
        let row = optional!(
            tx,
            DueRow,
            "select t.id, t.org_id, t.automation_id, a.enabled as automation_enabled, t.name,
                coalesce(s.cron, t.cron) as cron, coalesce(s.timezone, t.timezone) as timezone,
                t.schedule_id, t.missed_ticks, t.due_at
             from triggers t join automations a on a.id = t.automation_id
                left join schedules s on s.id = t.schedule_id
             where t.id = $1 and t.due_at <= $2 and t.enabled and t.deleted_at is null",
            id,
            now,
        )?;
        let Some(row) = row else { continue };
        let firing = Firing::of(row, now, limits);
        let drafts: Vec<Draft> = firing
            .events
            .iter()
            .map(|decided| Draft::new(None, decided, None, now))
            .collect();
        let written = write::write(tx, &drafts).await?;
        for draft in drafts.iter().filter(|draft| written.contains(&draft.id.0)) {
            match draft.skip_reason() {
                Some(reason) => fired.skips.push(reason),
                None => fired.runs += 1,
            }
        }
        fired.triggers += 1;
        fired.lag = fired.lag.max(firing.lag);
        update!(tx, "triggers" set { due_at: firing.next } where { id: id })?;
    }
    Ok(fired)
}

impl Fired {
    /// Counts what was fired, once it is committed.
    pub(in crate::store) fn measure(&self) {
        measure::events(EventStatus::Queued.as_str(), "", self.runs);
        for reason in &self.skips {
            measure::events(EventStatus::Skipped.as_str(), reason.as_str(), 1);
        }
        if self.triggers > 0 {
            measure::fired(self.lag);
        }
    }
}

/// The events of a trigger that is due, and its next tick.
struct Firing {
    events: Vec<DecidedEvent>,
    next: Option<Timestamp>,
    lag: Duration,
}

impl Firing {
    fn of(row: DueRow, now: Timestamp, limits: FiringLimits) -> Self {
        let (id, due_at) = (row.id, row.due_at);
        let lag = u64::try_from(now.micros_since(due_at)).unwrap_or(0);
        match row.trigger() {
            Ok(trigger) => {
                let firing = trigger.fire(now, limits);
                Self {
                    events: firing.events,
                    next: firing.next,
                    lag: Duration::from_micros(lag),
                }
            }
            // An unreadable row holds up no other.
            Err(error) => {
                tracing::error!(trigger.id = %id, %error, "a trigger that is due cannot be read");
                Self {
                    events: Vec::new(),
                    next: Some(now + UNREADABLE_PAUSE),
                    lag: Duration::ZERO,
                }
            }
        }
    }
}

// Postgres skips triggers that another replica is firing.
const DUE: ByEngine = locked!(
    "select id from triggers where due_at <= $1 and enabled and deleted_at is null
     order by due_at limit $2",
    "for update skip locked"
);

impl Store {
    /// Fires up to `max` triggers that are due at `now`.
    pub async fn fire_due(
        &self,
        now: Timestamp,
        limits: FiringLimits,
        max: u32,
    ) -> Result<Fired, StoreError> {
        let fired = self
            .write(async |tx| {
                let ids = all!(tx, scalar TriggerId, DUE, now, i64::from(max))?;
                fire(tx, ids, now, limits).await
            })
            .await?;
        fired.measure();
        Ok(fired)
    }

    /// Puts off the trigger that is due first, because it cannot be fired; returns its id.
    pub async fn put_off_tick(&self, now: Timestamp) -> Result<Option<TriggerId>, StoreError> {
        const SQL: &str = "update triggers set due_at = $2 where id = (
                select id from triggers where due_at <= $1 and enabled and deleted_at is null
                order by due_at limit 1)
             returning id";
        let later = now + UNREADABLE_PAUSE;
        self.write_once(async |tx| optional!(tx, scalar TriggerId, SQL, now, later))
            .await
    }

    /// The time when the next trigger is due.
    pub async fn next_tick(&self) -> Result<Option<Timestamp>, StoreError> {
        const SQL: &str = "select min(due_at) from triggers
             where due_at is not null and enabled and deleted_at is null";
        self.read(async |tx| one!(tx, scalar Option<Timestamp>, SQL))
            .await
    }
}
