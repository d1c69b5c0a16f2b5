//! Triggers that fire by the clock. One transaction decides the ticks that are due, writes
//! their events and sets the next tick, so a tick is neither lost nor fired twice, however
//! many replicas look.

use crate::domain::cron::Cron;
use crate::domain::event::{DecidedEvent, SkipReason};
use crate::domain::resource::TriggerKind;
use crate::domain::schedule::{DueTrigger, FiringLimits, MissedTicks};
use crate::domain::{AutomationId, EventStatus, OrgId, ScheduleId, Timestamp, TriggerId};
use crate::measure;
use crate::store::db::{
    ByEngine, Column, Query, Tried, Tx, UpdateEach, all, columns, exec, locked, one, optional,
    update,
};
use crate::store::events::draft::Draft;
use crate::store::events::write;
use crate::store::{Store, StoreError};
use std::sync::LazyLock;
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
    let since = None::<Timestamp>;
    update!(tx, "triggers" set { due_at: due_at, due_since: since } where { id: trigger })?;
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
    /// More may be due: the transaction had all the events that it may have.
    pub is_cut: bool,
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

/// A trigger's next tick, as it is written.
struct NextTick {
    id: TriggerId,
    due_at: Option<Timestamp>,
    due_since: Option<Timestamp>,
}

fn next_columns() -> [Column<NextTick>; 3] {
    columns!(NextTick {
        id: uuid = |next| next.id.0,
        due_at: int8 = |next| next.due_at.map(|at| at.0),
        due_since: int8 = |next| next.due_since.map(|at| at.0),
    })
}

/// Fires those of the triggers `ids` that are due, which this transaction holds, and sets
/// their next tick; ends early once it has `limits.events_max` events. The rows are read
/// by a statement of its own: the one that waited for their locks still sees the rows of
/// other tables as they were before.
pub(in crate::store) async fn fire(
    tx: &mut Tx<'_>,
    ids: &[TriggerId],
    now: Timestamp,
    limits: FiringLimits,
) -> Result<Fired, StoreError> {
    let mut fired = Fired::default();
    if ids.is_empty() {
        return Ok(fired);
    }
    let rows: Vec<DueRow> = Query::new(
        "select t.id, t.org_id, t.automation_id, a.enabled as automation_enabled, t.name,
            coalesce(s.cron, t.cron) as cron, coalesce(s.timezone, t.timezone) as timezone,
            t.schedule_id, t.missed_ticks, coalesce(t.due_since, t.due_at) as due_at
         from triggers t join automations a on a.id = t.automation_id
            left join schedules s on s.id = t.schedule_id
         where t.enabled and t.deleted_at is null and t.due_at <= ",
    )
    .bind(now)
    .push(" and t.id")
    .one_of(ids.iter().copied())
    .push(" order by t.due_at, t.id")
    .all(tx)
    .await?;
    fired.is_cut = rows.len() >= limits.events_max;
    let (mut events, mut next) = (Vec::new(), Vec::with_capacity(rows.len()));
    for row in rows {
        let room = limits.events_max.saturating_sub(events.len());
        if room == 0 {
            fired.is_cut = true;
            break;
        }
        let firing = Firing::of(row, now, limits, room);
        fired.is_cut |= firing.next.due_at.is_some_and(|due_at| due_at <= now);
        fired.triggers += 1;
        fired.lag = fired.lag.max(firing.lag);
        events.extend(firing.events);
        next.push(firing.next);
    }
    let drafts = events
        .iter()
        .map(|decided| Draft::new(None, decided, None, now));
    let drafts = write::in_write_order(drafts.collect());
    let written = write::write(tx, &drafts).await?;
    for draft in drafts.iter().filter(|draft| written.contains(&draft.id.0)) {
        match draft.skip_reason() {
            Some(reason) => fired.skips.push(reason),
            None => fired.runs += 1,
        }
    }
    static NEXT: LazyLock<UpdateEach> =
        LazyLock::new(|| UpdateEach::of("triggers", &next_columns()));
    NEXT.run(tx, &next_columns(), &next).await?;
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
    next: NextTick,
    lag: Duration,
}

impl Firing {
    /// At most `events_max` events.
    fn of(row: DueRow, now: Timestamp, limits: FiringLimits, events_max: usize) -> Self {
        let (id, due_at) = (row.id, row.due_at);
        let lag = u64::try_from(now.micros_since(due_at)).unwrap_or(0);
        match row.trigger() {
            Ok(trigger) => {
                let firing = trigger.fire(now, limits).first(events_max);
                Self {
                    events: firing.events,
                    next: NextTick {
                        id,
                        due_at: firing.next,
                        due_since: None,
                    },
                    lag: Duration::from_micros(lag),
                }
            }
            // An unreadable row holds up no other.
            Err(error) => {
                tracing::error!(trigger.id = %id, %error, "a trigger that is due cannot be read");
                Self {
                    events: Vec::new(),
                    next: NextTick {
                        id,
                        due_at: Some(now + UNREADABLE_PAUSE),
                        due_since: Some(due_at),
                    },
                    lag: Duration::ZERO,
                }
            }
        }
    }
}

// Postgres skips triggers that another replica is firing.
const DUE: ByEngine = locked!(
    "select id from triggers
     where due_at <= $1 and due_at > $2 and enabled and deleted_at is null
     order by due_at limit $3",
    "for update skip locked"
);
const HOLD_FREE: ByEngine = locked!(
    "select id from triggers where id = $1 and due_at <= $2 and enabled and deleted_at is null",
    "for update skip locked"
);

impl Store {
    /// Fires up to `max` triggers that are due at `now`, as far as the events of one
    /// transaction go.
    pub async fn fire_due(
        &self,
        now: Timestamp,
        limits: FiringLimits,
        max: u32,
    ) -> Result<Fired, StoreError> {
        self.fire_between(Timestamp(i64::MIN), now, limits, max)
            .await
    }

    /// The same for triggers that are not late yet. Only these: they do not wait for those
    /// that have ticks to catch up on.
    pub async fn fire_on_time(
        &self,
        now: Timestamp,
        limits: FiringLimits,
        max: u32,
    ) -> Result<Fired, StoreError> {
        self.fire_between(now - limits.late, now, limits, max).await
    }

    async fn fire_between(
        &self,
        after: Timestamp,
        now: Timestamp,
        limits: FiringLimits,
        max: u32,
    ) -> Result<Fired, StoreError> {
        let fired = self
            .write(async |tx| {
                let ids = all!(tx, scalar TriggerId, DUE, now, after, i64::from(max))?;
                fire(tx, &ids, now, limits).await
            })
            .await?;
        fired.measure();
        Ok(fired)
    }

    /// Up to `max` triggers that are due at `now`, the longest waiting first.
    pub async fn due_triggers(
        &self,
        now: Timestamp,
        max: u32,
    ) -> Result<Vec<TriggerId>, StoreError> {
        const SQL: &str = "select id from triggers
             where due_at <= $1 and enabled and deleted_at is null order by due_at limit $2";
        self.read(async |tx| all!(tx, scalar TriggerId, SQL, now, i64::from(max)))
            .await
    }

    /// Fires those of `ids` that are due at `now` and that no other replica is firing.
    pub async fn fire_these(
        &self,
        ids: &[TriggerId],
        now: Timestamp,
        limits: FiringLimits,
    ) -> Result<Fired, StoreError> {
        let fired = self
            .write(async |tx| {
                let mut held = Vec::with_capacity(ids.len());
                for id in ids {
                    held.extend(optional!(tx, scalar TriggerId, HOLD_FREE, *id, now)?);
                }
                fire(tx, &held, now, limits).await
            })
            .await?;
        fired.measure();
        Ok(fired)
    }

    /// Puts off a due trigger until `until`, because it cannot be fired. Its ticks are not
    /// lost: it fires from the first one on. False if it is not due, or another replica is
    /// firing it.
    pub async fn put_off_tick(
        &self,
        id: TriggerId,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<bool, StoreError> {
        self.write(async |tx| {
            if optional!(tx, scalar TriggerId, HOLD_FREE, id, now)?.is_none() {
                return Ok(false);
            }
            exec!(
                tx,
                "update triggers set due_since = coalesce(due_since, due_at), due_at = $2
                 where id = $1",
                id,
                until,
            )?;
            Ok(true)
        })
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
