//! Poll groups: all polling triggers of an integration, polled together, and the times of
//! their polls.

use crate::domain::cron::Cron;
use crate::domain::integration::IntegrationStatus;
use crate::domain::{IntegrationId, PollGroupId, Timestamp};
use serde::Serialize;
use std::time::Duration;
use utoipa::ToSchema;

/// The times at which one trigger wants a poll.
#[derive(Clone, Debug)]
pub enum PollTiming {
    /// After this interval since the start of the last poll.
    Every(Duration),
    /// At the ticks of a cron.
    At(Box<Cron>),
}

impl PollTiming {
    fn next(&self, after: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Every(interval) => Some(after + *interval),
            Self::At(cron) => cron.next_after(after),
        }
    }
}

/// The next poll of a group after one that began at `after`: the earliest that any trigger
/// wants. None if no trigger wants one.
pub fn next_poll(timings: &[PollTiming], after: Timestamp) -> Option<Timestamp> {
    timings.iter().filter_map(|timing| timing.next(after)).min()
}

/// The times of a group that matter when its triggers or its integration change.
#[derive(Clone, Copy, Debug)]
pub struct GroupTimes {
    /// The next poll, or the end of the running poll's lease; none while paused.
    pub due_at: Option<Timestamp>,
    /// The end of the running poll's lease; none if no poll runs.
    pub lease_until: Option<Timestamp>,
    /// The start of the last poll.
    pub started_at: Option<Timestamp>,
    /// The end of the pause that the service asked for.
    pub pause_until: Option<Timestamp>,
    /// Consecutive failures.
    pub failures: i32,
}

impl GroupTimes {
    /// The poll that was requested while another one runs: by a person, or by a trigger
    /// with a shorter interval.
    pub fn asked_for(&self) -> Option<Timestamp> {
        self.due_at
            .filter(|due_at| Some(*due_at) < self.lease_until)
    }

    /// The earlier one of the computed and the requested poll.
    pub fn sooner(&self, computed: Timestamp) -> Timestamp {
        self.asked_for()
            .map_or(computed, |asked| asked.min(computed))
    }

    /// The `due_at` of a group that is polled until `lease_until`.
    pub fn due_while_leased(&self, lease_until: Timestamp) -> Option<Timestamp> {
        self.due_at.map(|_| self.asked_for().unwrap_or(lease_until))
    }

    /// The `due_at` of a group after a change of its timings; none pauses it. A group that
    /// backs off continues to do so unless it was paused. A pause that its service asked
    /// for always stays.
    pub fn after_change(&self, timings: &[PollTiming], now: Timestamp) -> Option<Timestamp> {
        if timings.is_empty() {
            return None;
        }
        let not_before = |at: Timestamp| self.pause_until.map_or(at, |pause| pause.max(at));
        let Some(due_at) = self.due_at else {
            return Some(not_before(now));
        };
        let Some(next) = self.started_at.and_then(|at| next_poll(timings, at)) else {
            return Some(due_at);
        };
        Some(match (self.lease_until.is_some(), self.failures) {
            // The running poll computes the next one; a change can only make it earlier.
            (true, _) => due_at.min(not_before(next)),
            // The group is already due, and a change does not take that back.
            (false, 0) if due_at <= now => due_at,
            (false, 0) => not_before(next),
            (false, _) => due_at,
        })
    }
}

/// The state of a poll group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PollGroupState {
    /// The group waits for its next poll.
    Waiting,
    /// A worker polls the group.
    Polling,
    /// The group is not polled: all of its triggers are disabled, or its integration does
    /// not work.
    Paused,
}

/// A poll group, as the API shows it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct PollGroup {
    /// The id of the group.
    pub id: PollGroupId,
    /// The provider that polls.
    pub provider: String,
    /// The integration whose account is polled.
    pub integration_id: IntegrationId,
    /// The status of the integration.
    pub integration_status: IntegrationStatus,
    /// Polling triggers of the integration, including disabled ones.
    pub triggers: i64,
    /// The state of the group.
    pub state: PollGroupState,
    /// The next poll. Null while the group is paused, and while it is polled unless another
    /// poll was requested.
    pub next_due_at: Option<Timestamp>,
    /// The end of the pause that the service asked for.
    pub rate_limited_until: Option<Timestamp>,
    /// The time at which the cursor was last committed; null before the first poll.
    pub cursor_at: Option<Timestamp>,
    /// Seconds since `cursor_at`.
    pub cursor_age_seconds: Option<i64>,
    /// The start of the last poll.
    pub started_at: Option<Timestamp>,
    /// The end of the last successful poll.
    pub polled_at: Option<Timestamp>,
    /// Consecutive failures.
    pub failures: i32,
    /// The error of the last poll; null after a successful one.
    pub last_error: Option<String>,
    /// The time of that error.
    pub last_error_at: Option<Timestamp>,
    /// The time of creation.
    pub created_at: Timestamp,
}

#[cfg(test)]
mod tests;
