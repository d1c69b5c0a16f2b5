//! Deletes old rows, a bounded number at a time.
//!
//! Live rows are never touched: deliveries and messages that are due or claimed, runs that
//! have not ended, events whose run exists, dead letters of the outbox and their runs. A row
//! whose deduplication key must outlast it is emptied first: its entry in the unique index
//! stays, so that the index alone deduplicates.

use super::db::{ByEngine, exec, locked};
use super::{Store, StoreError};
use crate::domain::status::States;
use crate::domain::{DeliveryStatus, EventStatus, OutboxStatus, RunStatus, Timestamp};
use std::time::{Duration, Instant};

/// The kinds of rows that retention deletes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Collected {
    /// Messages of the outbox that are settled.
    Messages,
    /// Runs that have ended.
    Runs,
    /// Events without a run: skipped, or their run is gone.
    Events,
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

/// The age from which rows are deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Horizon {
    /// Rows that ended, or were created, before this time are old.
    pub before: Timestamp,
    /// The deduplication keys of rows from this time or later must stay.
    pub keys_since: Timestamp,
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

// $1 status, $2 before, $3 how many; where keys count: $4 since when, $5 now; $6 the status
// of a dead letter of the outbox, which may be retried with its run.

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
const EMPTY_EVENTS: ByEngine = pass!(
    "select id from events where status = $1 and processed_at < $2 and emptied_at is null
        and not exists (select 1 from runs where event_id = events.id)",
    "processed_at",
    "update events set emptied_at = $5, org_id = '', title = '', url = null, actor = null,
        occurred_at = null, facts = '{}', skip_detail = null, error = null
     from old where events.id = old.id and holds_key and created_at >= $4"
);
const DELETE_EVENTS: ByEngine = pass!(
    "select id from events where status = $1 and processed_at < $2 and emptied_at is null
        and not exists (select 1 from runs where event_id = events.id)",
    "processed_at",
    "delete from events where id in (select id from old) and (not holds_key or created_at < $4)"
);
const DELETE_EVENT_KEYS: ByEngine = pass!(
    "select id from events where emptied_at is not null and created_at < $2",
    "created_at",
    "delete from events where id in (select id from old)"
);
const DELETE_RUNS: ByEngine = pass!(
    "select id from runs where status = $1 and completed_at < $2
        and not exists (select 1 from outbox where outbox.id = runs.id and outbox.status = $6)",
    "completed_at",
    "delete from runs where id in (select id from old)"
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
            Self::EventKeys => "event_keys",
            Self::Deliveries => "deliveries",
            Self::DeadLetters => "dead_letters",
            Self::DoorKeys => "door_keys",
            Self::History => "history",
        }
    }

    const fn passes(self) -> &'static [ByEngine] {
        match self {
            Self::Messages => &[DELETE_MESSAGES],
            Self::Runs => &[DELETE_RUNS],
            Self::Events => &[EMPTY_EVENTS, DELETE_EVENTS],
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
            Self::EventKeys | Self::DoorKeys | Self::History => vec![None],
        }
    }
}

/// The result of one pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CollectedRows {
    /// Rows that were deleted or emptied.
    pub rows: u64,
    /// The time for which it held the rows, without the wait for their locks: on SQLite no
    /// other call could write meanwhile.
    pub held: Duration,
}

impl Store {
    /// One pass: deletes or empties up to `max` old rows, in one short transaction. Fewer
    /// rows than `max` mean that none is left.
    pub async fn collect(
        &self,
        what: Collected,
        horizon: Horizon,
        max: u32,
        now: Timestamp,
    ) -> Result<CollectedRows, StoreError> {
        let statuses = what.statuses();
        self.write(async |tx| {
            // Rows that a crash of the database brings back are deleted again.
            tx.commit_without_flush().await?;
            let (begun, mut rows) = (Instant::now(), 0);
            for status in &statuses {
                let Some(left) = u64::from(max).checked_sub(rows).filter(|left| *left > 0) else {
                    break;
                };
                let left = i64::try_from(left).unwrap_or(i64::MAX);
                let mut changed = Vec::new();
                for pass in what.passes() {
                    let (before, keys_since) = (horizon.before, horizon.keys_since);
                    let failed = OutboxStatus::Failed;
                    changed.push(exec!(
                        tx, *pass, *status, before, left, keys_since, now, failed
                    )?);
                }
                rows += match what {
                    // Both passes delete the same deliveries.
                    Collected::DeadLetters => changed.into_iter().max().unwrap_or(0),
                    _ => changed.into_iter().sum(),
                };
            }
            Ok((rows, begun))
        })
        .await
        // Measured after the commit, which holds the rows too.
        .map(|(rows, begun)| CollectedRows {
            rows,
            held: begun.elapsed(),
        })
    }
}
