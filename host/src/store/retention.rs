//! Deletes old rows, a bounded number at a time.
//!
//! Live rows are never touched: deliveries and messages that are due or claimed, runs that
//! have not ended, events whose run exists, dead letters of the outbox and their runs. A row
//! whose deduplication key must outlast it is emptied first: its entry in the unique index
//! stays, so that the index alone deduplicates.

mod horizon;
mod walk;

pub use horizon::Horizon;
pub use walk::Places;

use super::db::{ByEngine, exec, locked};
use super::{Store, StoreError};
use crate::domain::status::States;
use crate::domain::{DeliveryStatus, EventStatus, OutboxStatus, RunStatus, Timestamp};
use std::time::{Duration, Instant};
use walk::{Step, Walk};

/// The kinds of rows that retention deletes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Collected {
    /// Messages of the outbox that are settled.
    Messages,
    /// Runs that have ended.
    Runs,
    /// Events without a run: skipped, or their run is gone.
    Events,
    /// Facts that skipped events shared.
    Facts,
    /// Keys of events that were emptied.
    EventKeys,
    /// Deliveries that are completed or discarded.
    Deliveries,
    /// Deliveries that failed.
    DeadLetters,
    /// Keys of deliveries that were emptied.
    DoorKeys,
    /// Changes of status.
    History,
}

/// One pass. Postgres leaves rows that another transaction changes right now for the next
/// pass.
macro_rules! pass {
    ($select:literal, $order:literal, $change:literal) => {
        locked!(
            concat!(
                "with old as materialized (",
                $select,
                " order by ",
                $order,
                " limit $3"
            ),
            "for update skip locked",
            concat!(") ", $change)
        )
    };
}

// $1 status, $2 before, $3 how many.

// On Postgres only the partition with everything from before there were others: the others
// are dropped as a whole.
const DELETE_DELIVERIES: ByEngine = ByEngine {
    postgres: "with old as materialized (
            select id from inbox_0 where status = $1 and processed_at < $2 and emptied_at is null
            order by processed_at limit $3 for update skip locked
        ) delete from inbox_0 where id in (select id from old)",
    sqlite: "delete from inbox where id in (
            select id from inbox where status = $1 and processed_at < $2 and emptied_at is null
            order by processed_at limit $3)",
};
// The archive's row goes with its partition, or in the pass above.
const DELETE_DEAD_LETTERS: ByEngine = pass!(
    "select id from inbox_queue where due_at = 9223372036854775807 and status = $1
        and received_at < $2",
    "id",
    "delete from inbox_queue where id in (select id from old)"
);
const DELETE_DOOR_KEYS: ByEngine = pass!(
    "select key from door_keys where received_at < $2",
    "received_at",
    "delete from door_keys where key in (select key from old)"
);
const DELETE_EVENT_KEYS: ByEngine = pass!(
    "select id from events where emptied_at is not null and created_at < $2",
    "created_at",
    "delete from events where id in (select id from old)"
);
const DELETE_FACTS: ByEngine = pass!(
    "select id from shared_facts where created_at < $2",
    "created_at",
    "delete from shared_facts where id in (select id from old)"
);
const DELETE_MESSAGES: ByEngine = pass!(
    "select id from outbox where status = $1 and processed_at < $2",
    "processed_at",
    "delete from outbox where id in (select id from old)"
);
const DELETE_HISTORY: ByEngine = pass!(
    "select id from transitions where at < $2",
    "at",
    "delete from transitions where id in (select id from old)"
);

impl Collected {
    /// Every kind, in the order of deletion: an event goes after its run.
    pub const ALL: &'static [Self] = &[
        Self::Messages,
        Self::Runs,
        Self::Events,
        Self::Facts,
        Self::EventKeys,
        Self::Deliveries,
        Self::DeadLetters,
        Self::DoorKeys,
        Self::History,
    ];

    /// The name in logs and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Messages => "messages",
            Self::Runs => "runs",
            Self::Events => "events",
            Self::Facts => "facts",
            Self::EventKeys => "event_keys",
            Self::Deliveries => "deliveries",
            Self::DeadLetters => "dead_letters",
            Self::DoorKeys => "door_keys",
            Self::History => "history",
        }
    }

    /// The walk over rows of which some have to be kept.
    const fn walk(self) -> Option<Walk> {
        match self {
            Self::Runs => Some(Walk::Runs),
            Self::Events => Some(Walk::Events),
            _ => None,
        }
    }

    const fn passes(self) -> &'static [ByEngine] {
        match self {
            Self::Runs | Self::Events => &[],
            Self::Messages => &[DELETE_MESSAGES],
            Self::Facts => &[DELETE_FACTS],
            Self::EventKeys => &[DELETE_EVENT_KEYS],
            Self::Deliveries => &[DELETE_DELIVERIES],
            Self::DeadLetters => &[DELETE_DELIVERIES, DELETE_DEAD_LETTERS],
            Self::DoorKeys => &[DELETE_DOOR_KEYS],
            Self::History => &[DELETE_HISTORY],
        }
    }

    /// The states in which a row may be deleted; none where the state does not matter.
    fn statuses(self) -> Vec<Option<&'static str>> {
        fn of<S: States>(
            all: &'static [S],
            text: fn(S) -> &'static str,
            ended: impl Fn(S) -> bool,
        ) -> Vec<Option<&'static str>> {
            let ended = all.iter().copied().filter(|state| ended(*state));
            ended.map(|state| Some(text(state))).collect()
        }
        match self {
            // A dead letter may be the only trace of a run that no consumer has seen.
            Self::Messages => of(OutboxStatus::ALL, |s| s.as_str(), States::is_final),
            Self::Runs => of(
                RunStatus::ALL,
                |s| s.as_str(),
                |status| {
                    !matches!(
                        status,
                        RunStatus::Queued | RunStatus::Running | RunStatus::NeedsHuman
                    )
                },
            ),
            Self::Events => of(
                EventStatus::ALL,
                |s| s.as_str(),
                |status| !matches!(status, EventStatus::Queued | EventStatus::Processing),
            ),
            Self::Deliveries => of(
                DeliveryStatus::ALL,
                |s| s.as_str(),
                |status| {
                    matches!(
                        status,
                        DeliveryStatus::Completed | DeliveryStatus::Discarded
                    )
                },
            ),
            Self::DeadLetters => vec![Some(DeliveryStatus::Failed.as_str())],
            Self::Facts | Self::EventKeys | Self::DoorKeys | Self::History => vec![None],
        }
    }
}

/// The result of one pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CollectedRows {
    /// Rows that were deleted or emptied.
    pub rows: u64,
    /// Rows that it looked at, of which some may have to be kept.
    pub seen: u64,
    /// The time for which it held the rows, without the wait for their locks: on SQLite no
    /// other call could write meanwhile.
    pub held: Duration,
}

impl Store {
    /// One pass: looks at up to `max` old rows and deletes or empties them, in one short
    /// transaction. Fewer rows seen than `max` mean that none is left. Runs and events that
    /// have to be kept are passed by; `places` remembers where.
    pub async fn collect(
        &self,
        what: Collected,
        horizon: Horizon,
        max: u32,
        places: &mut Places,
        now: Timestamp,
    ) -> Result<CollectedRows, StoreError> {
        let statuses = what.statuses();
        let (passed, new_places, begun) = self
            .write(async |tx| {
                // Rows that a crash of the database brings back are deleted again.
                tx.commit_without_flush().await?;
                let (begun, mut places) = (Instant::now(), places.clone());
                let mut passed = Step { seen: 0, rows: 0 };
                for status in &statuses {
                    let left = u64::from(max).saturating_sub(passed.seen);
                    if left == 0 {
                        break;
                    }
                    let left = i64::try_from(left).unwrap_or(i64::MAX);
                    if let (Some(walk), Some(status)) = (what.walk(), *status) {
                        let step = walk.step(tx, status, horizon, left, &mut places, now);
                        passed.add(step.await?);
                    }
                    let mut rows = Vec::new();
                    for pass in what.passes() {
                        rows.push(exec!(tx, *pass, *status, horizon.before, left)?);
                    }
                    // Both passes over dead letters delete the same deliveries.
                    let rows = rows.into_iter().max().unwrap_or(0);
                    passed.add(Step { seen: rows, rows });
                }
                Ok((passed, places, begun))
            })
            .await?;
        *places = new_places;
        Ok(CollectedRows {
            rows: passed.rows,
            seen: passed.seen,
            // Measured after the commit, which holds the rows too.
            held: begun.elapsed(),
        })
    }
}
