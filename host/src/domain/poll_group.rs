//! Poll groups: what is asked of a service on behalf of all polling triggers of an
//! integration, and when.

use crate::domain::cron::Cron;
use crate::domain::integration::IntegrationStatus;
use crate::domain::{IntegrationId, PollGroupId, Timestamp};
use serde::Serialize;
use std::time::Duration;
use utoipa::ToSchema;

/// When one trigger wants its service to be asked.
#[derive(Clone, Debug)]
pub enum PollTiming {
    /// This long after the last poll began.
    Every(Duration),
    /// At the ticks of a clock.
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

/// When a group is due after a poll that began at `after`: whoever of its triggers
/// wants it soonest. None if nobody wants it at all.
pub fn next_poll(timings: &[PollTiming], after: Timestamp) -> Option<Timestamp> {
    timings.iter().filter_map(|timing| timing.next(after)).min()
}

/// What is written about a group when its triggers or its integration change.
#[derive(Clone, Copy, Debug)]
pub struct GroupTimes {
    /// The next poll, or the end of the lease of the one that runs; none if paused.
    pub due_at: Option<Timestamp>,
    /// Until when a worker has it; none if nobody polls.
    pub lease_until: Option<Timestamp>,
    /// When its last poll began.
    pub started_at: Option<Timestamp>,
    /// Until when its service wants to be left alone.
    pub pause_until: Option<Timestamp>,
    /// Polls that failed in a row.
    pub failures: i32,
}

impl GroupTimes {
    /// The time for which somebody has asked while a worker polls: a person, or a
    /// trigger that wants a shorter interval.
    pub fn asked_for(&self) -> Option<Timestamp> {
        self.due_at
            .filter(|due_at| Some(*due_at) < self.lease_until)
    }

    /// What was computed, or what was asked for if that is sooner.
    pub fn sooner(&self, computed: Timestamp) -> Timestamp {
        self.asked_for()
            .map_or(computed, |asked| asked.min(computed))
    }

    /// When the group is due while a worker polls until `lease_until`.
    pub fn due_while_leased(&self, lease_until: Timestamp) -> Option<Timestamp> {
        self.due_at.map(|_| self.asked_for().unwrap_or(lease_until))
    }

    /// When the group is due now that these are its timings; none pauses it. What a
    /// failure has put off stays put off unless it was paused, and a pause of its service
    /// is kept in any case.
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
            // Whoever polls computes the next one; it may only become sooner.
            (true, _) => due_at.min(not_before(next)),
            // It is due already; what has changed since does not take that back.
            (false, 0) if due_at <= now => due_at,
            (false, 0) => not_before(next),
            (false, _) => due_at,
        })
    }
}

/// Whether a group is polled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PollGroupState {
    /// It waits for its time.
    Waiting,
    /// A worker asks its service just now.
    Polling,
    /// Nothing is asked: all of its triggers are disabled, or its integration does not
    /// work.
    Paused,
}

/// A poll group as people see it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct PollGroup {
    /// Its id.
    pub id: PollGroupId,
    /// The provider that asks.
    pub provider: String,
    /// Whose account is asked.
    pub integration_id: IntegrationId,
    /// Whether that works.
    pub integration_status: IntegrationStatus,
    /// Polling triggers on this integration, disabled ones included.
    pub triggers: i64,
    /// Whether the group is polled.
    pub state: PollGroupState,
    /// The next poll; null while it is paused, and while it is polled unless somebody has
    /// asked for another one.
    pub next_due_at: Option<Timestamp>,
    /// Until when the service wants to be left alone.
    pub rate_limited_until: Option<Timestamp>,
    /// When the cursor was last committed; null before the first poll.
    pub cursor_at: Option<Timestamp>,
    /// Seconds since then.
    pub cursor_age_seconds: Option<i64>,
    /// When the last poll began.
    pub started_at: Option<Timestamp>,
    /// When a poll last succeeded.
    pub polled_at: Option<Timestamp>,
    /// Polls that failed in a row.
    pub failures: i32,
    /// Why the last poll failed; null once one has succeeded.
    pub last_error: Option<String>,
    /// When it failed.
    pub last_error_at: Option<Timestamp>,
    /// When it was created.
    pub created_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: Timestamp = Timestamp(1_795_608_000_000_000);

    fn every(seconds: u64) -> PollTiming {
        PollTiming::Every(Duration::from_secs(seconds))
    }

    fn after(seconds: u64) -> Timestamp {
        NOON + Duration::from_secs(seconds)
    }

    fn waiting() -> GroupTimes {
        GroupTimes {
            due_at: Some(after(60)),
            lease_until: None,
            started_at: Some(NOON),
            pause_until: None,
            failures: 0,
        }
    }

    #[test]
    fn the_shortest_interval_wins_and_a_cron_competes() {
        let cron = |text| PollTiming::At(Cron::parse_stored(text, "UTC").unwrap().into());
        assert_eq!(next_poll(&[every(300), every(60)], NOON), Some(after(60)));
        let timings = [every(7_200), cron("*/30 * * * *")];
        assert_eq!(next_poll(&timings, after(1)), Some(after(1_800)));
        assert_eq!(next_poll(&[], NOON), None);
    }

    #[test]
    fn a_change_counts_from_the_last_poll() {
        let times = waiting();
        assert_eq!(times.after_change(&[every(20)], after(5)), Some(after(20)));
        assert_eq!(times.after_change(&[every(90)], after(5)), Some(after(90)));
        assert_eq!(times.after_change(&[], after(5)), None);
        assert_eq!(times.after_change(&[every(90)], after(61)), Some(after(60)));
    }

    #[test]
    fn a_group_that_was_paused_is_due_at_once_but_within_no_pause_of_its_service() {
        let mut times = GroupTimes {
            due_at: None,
            ..waiting()
        };
        assert_eq!(times.after_change(&[every(60)], after(5)), Some(after(5)));
        times.pause_until = Some(after(500));
        assert_eq!(times.after_change(&[every(60)], after(5)), Some(after(500)));
    }

    #[test]
    fn a_poll_that_runs_may_only_be_followed_sooner_and_a_backoff_stands() {
        let mut times = GroupTimes {
            lease_until: Some(after(60)),
            ..waiting()
        };
        assert_eq!(times.after_change(&[every(90)], after(5)), Some(after(60)));
        assert_eq!(times.after_change(&[every(20)], after(5)), Some(after(20)));
        assert_eq!(times.due_while_leased(after(99)), Some(after(99)));
        times.due_at = Some(after(20));
        assert_eq!(times.due_while_leased(after(99)), Some(after(20)));
        times = GroupTimes {
            failures: 1,
            ..waiting()
        };
        assert_eq!(times.after_change(&[every(20)], after(5)), Some(after(60)));
    }
}
