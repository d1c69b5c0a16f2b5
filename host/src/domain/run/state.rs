//! The state of a run after an action. The function is pure, so both databases and all
//! callers get the same result. Every change of the status goes through
//! [`RunState::moved`].

use super::action::{Completion, Resolution, RunAction, RunOutcome, RunRefusal, Start};
use crate::domain::status::States;
use crate::domain::{RunStatus, Timestamp};
use std::time::Duration;

/// The reason of a run that was cancelled without one.
pub const CANCELLED: &str = "cancelled";
/// The reason of a run whose event was skipped.
pub const EVENT_SKIPPED: &str = "event_skipped";
/// The reason of a run that exceeded its deadline.
pub const DEADLINE: &str = "deadline";
/// The reason of a run without a heartbeat in time.
pub const INACTIVITY: &str = "inactivity";
/// The reason of a run that no consumer started although its message was acknowledged.
pub const NOT_STARTED: &str = "not_started";
/// The reason of a run whose message became a dead letter.
pub const NOT_HANDED_OVER: &str = "not_handed_over";
/// The reason of a run that is queued again because its dead letter was retried.
pub const RETRIED: &str = "retried";
/// The reason of a start by another consumer.
pub const TAKEN_OVER: &str = "taken_over";

/// The pause before the finalizer looks again at a silent run that waits for its next
/// consumer.
const LOOK_AGAIN_AT_SILENT: Duration = Duration::from_secs(60);
/// The pause before the finalizer looks again at a run that waits in a stream for its start.
const LOOK_AGAIN_AT_UNSTARTED: Duration = Duration::from_secs(60 * 60);

/// The part of a run that changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunState {
    /// The status of the run.
    pub status: RunStatus,
    /// The reason for the status.
    pub status_reason: Option<String>,
    /// The number of starts: the fence of the consumer's calls.
    pub attempt: i32,
    /// The consumer's id for the last start.
    pub start_id: Option<String>,
    /// The time of the last start.
    pub started_at: Option<Timestamp>,
    /// The deadline.
    pub deadline_at: Option<Timestamp>,
    /// The longest time between heartbeats.
    pub inactivity: Option<Duration>,
    /// The time by which the next heartbeat is due.
    pub heartbeat_due_at: Option<Timestamp>,
    /// The time at which the finalizer looks at the run.
    pub due_at: Option<Timestamp>,
    /// The end of the run.
    pub completed_at: Option<Timestamp>,
    /// The consumer's id for its completion.
    pub completion_id: Option<String>,
    /// The outcome that the consumer reported. A person may have resolved it otherwise.
    pub completion_outcome: Option<RunOutcome>,
    /// The result, as JSON.
    pub result: Option<String>,
    /// The error, if the run failed.
    pub error: Option<String>,
}

/// The effect of an action on a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// No effect: a repetition, or nothing to do.
    Nothing,
    /// The state changes, but not the status.
    Kept(RunState),
    /// The status or the consumer changes. The note belongs in the history.
    Moved(RunState, Note),
}

/// The entry of a change in the history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// The reason.
    pub reason: Option<String>,
    /// A comment by a person.
    pub comment: Option<String>,
}

impl Note {
    fn of(reason: Option<&str>) -> Self {
        Self {
            reason: reason.map(str::to_owned),
            comment: None,
        }
    }
}

impl RunState {
    /// The effect of `action` on the run at `now`.
    ///
    /// # Errors
    /// The reason for which the action is refused.
    pub fn after(&self, action: &RunAction, now: Timestamp) -> Result<Change, RunRefusal> {
        match action {
            RunAction::Start(start) => self.start(start, now),
            RunAction::Heartbeat { attempt } => self.heartbeat(*attempt, now),
            RunAction::Complete(completion) => self.complete(completion, now),
            RunAction::Cancel { reason } => {
                let reason = reason.as_deref().unwrap_or(CANCELLED);
                self.ended(RunStatus::Cancelled, Some(reason), None, now)
            }
            RunAction::Resolve(resolution) => self.resolve(resolution),
            RunAction::TimeOut => self.time_out(now),
            RunAction::GiveUp { error } if self.status == RunStatus::Queued => {
                let error = Some(error.clone());
                self.ended(RunStatus::Failed, Some(NOT_HANDED_OVER), error, now)
            }
            // A consumer has started the run, so it no longer depends on the message.
            RunAction::GiveUp { .. } => Ok(Change::Nothing),
            RunAction::HandOver => self.hand_over(),
        }
    }

    /// Queues a run again that failed only because its message was not delivered. A run
    /// that is queued or running needs nothing.
    fn hand_over(&self) -> Result<Change, RunRefusal> {
        if !self.status.is_over() {
            return Ok(Change::Nothing);
        }
        if self.status_reason.as_deref() != Some(NOT_HANDED_OVER) {
            return Err(RunRefusal::Status(self.status));
        }
        let state = Self {
            completed_at: None,
            error: None,
            ..self.moved(RunStatus::Queued, Some(RETRIED))?
        };
        Ok(Change::Moved(state, Note::of(Some(RETRIED))))
    }

    fn start(&self, start: &Start, now: Timestamp) -> Result<Change, RunRefusal> {
        let again = self.status == RunStatus::Running;
        if again {
            if start.start_id.is_some() && start.start_id == self.start_id {
                return Ok(Change::Nothing);
            }
            if self.deadline_at.is_some_and(|at| at <= now) {
                return Err(RunRefusal::PastDeadline);
            }
            if let Some(until) = self.heartbeat_due_at.filter(|at| *at > now) {
                let attempt = self.attempt;
                return Err(RunRefusal::InHand { attempt, until });
            }
        }
        let (deadline_at, heartbeat_due_at) = (now + start.deadline, now + start.inactivity);
        let reason = again.then_some(TAKEN_OVER);
        let state = Self {
            attempt: self.attempt.saturating_add(1),
            start_id: start.start_id.clone(),
            started_at: Some(now),
            deadline_at: Some(deadline_at),
            inactivity: Some(start.inactivity),
            heartbeat_due_at: Some(heartbeat_due_at),
            due_at: Some(deadline_at.min(heartbeat_due_at)),
            ..self.moved(RunStatus::Running, reason)?
        };
        Ok(Change::Moved(state, Note::of(reason)))
    }

    fn heartbeat(&self, attempt: Option<i32>, now: Timestamp) -> Result<Change, RunRefusal> {
        self.require_attempt(attempt)?;
        let Some(inactivity) = self.inactivity else {
            return Ok(Change::Nothing);
        };
        // A clock that went back must not shorten the time to the next heartbeat.
        let next = self.heartbeat_due_at.max(Some(now + inactivity));
        if next == self.heartbeat_due_at {
            return Ok(Change::Nothing);
        }
        Ok(Change::Kept(Self {
            heartbeat_due_at: next,
            due_at: [next, self.deadline_at].into_iter().flatten().min(),
            ..self.clone()
        }))
    }

    fn complete(&self, completion: &Completion, now: Timestamp) -> Result<Change, RunRefusal> {
        if self.completion_id.as_ref() == Some(&completion.completion_id) {
            let same = self.completion_outcome == Some(completion.outcome)
                && self.result == completion.result
                && self.error == completion.error;
            return match same {
                true => Ok(Change::Nothing),
                false => Err(RunRefusal::OtherCompletion),
            };
        }
        self.require_attempt(completion.attempt)?;
        let error = completion.error.clone();
        match self.ended(completion.outcome.status(), None, error, now)? {
            Change::Moved(state, note) => {
                let state = Self {
                    completion_id: Some(completion.completion_id.clone()),
                    completion_outcome: Some(completion.outcome),
                    result: completion.result.clone(),
                    ..state
                };
                Ok(Change::Moved(state, note))
            }
            other => Ok(other),
        }
    }

    /// Resolves a run. Keeps the outcome that the consumer reported, and the end of the run.
    fn resolve(&self, resolution: &Resolution) -> Result<Change, RunRefusal> {
        if !self.status.is_over() {
            return Err(RunRefusal::Status(self.status));
        }
        let status = match resolution.succeeded {
            true => RunStatus::Succeeded,
            false => RunStatus::Failed,
        };
        let state = self.moved(status, Some(&resolution.reason))?;
        let note = Note {
            reason: Some(resolution.reason.clone()),
            comment: resolution.comment.clone(),
        };
        Ok(Change::Moved(state, note))
    }

    fn time_out(&self, now: Timestamp) -> Result<Change, RunRefusal> {
        let passed = |at: Option<Timestamp>| at.is_some_and(|at| at <= now);
        let (reason, error) = match self.status {
            RunStatus::Queued if passed(self.due_at) => (
                NOT_STARTED,
                "its message was acknowledged, but nobody started it",
            ),
            RunStatus::Running if passed(self.deadline_at) => {
                (DEADLINE, "it was not done by its deadline")
            }
            RunStatus::Running if passed(self.heartbeat_due_at) => {
                (INACTIVITY, "its consumer was silent for too long")
            }
            _ => return Ok(Change::Nothing),
        };
        self.ended(
            RunStatus::TimedOut,
            Some(reason),
            Some(error.to_owned()),
            now,
        )
    }

    /// True if the deadline has passed.
    pub fn is_past_deadline(&self, now: Timestamp) -> bool {
        self.deadline_at.is_some_and(|at| at <= now)
    }

    /// The next look at a run that is past a limit while its message will still bring a
    /// consumer. Runs that wait in a stream may be many and may wait for long, so their
    /// pause is longer.
    pub fn look_again_at(&self, now: Timestamp) -> Timestamp {
        match self.status {
            RunStatus::Running => {
                let next = now + LOOK_AGAIN_AT_SILENT;
                self.deadline_at.map_or(next, |at| at.min(next))
            }
            _ => now + LOOK_AGAIN_AT_UNSTARTED,
        }
    }

    /// Refuses the consumer of any but the current attempt.
    fn require_attempt(&self, attempt: Option<i32>) -> Result<(), RunRefusal> {
        match (self.status, attempt) {
            (RunStatus::Queued, _) => Err(RunRefusal::NotStarted),
            (RunStatus::Running, Some(given)) if given != self.attempt => {
                Err(RunRefusal::TakenOver {
                    current: self.attempt,
                    given,
                })
            }
            (RunStatus::Running, _) => Ok(()),
            (status, _) => Err(RunRefusal::Status(status)),
        }
    }

    fn ended(
        &self,
        status: RunStatus,
        reason: Option<&str>,
        error: Option<String>,
        now: Timestamp,
    ) -> Result<Change, RunRefusal> {
        let state = Self {
            heartbeat_due_at: None,
            due_at: None,
            completed_at: Some(now),
            error,
            ..self.moved(status, reason)?
        };
        Ok(Change::Moved(state, Note::of(reason)))
    }

    /// The run in another status, if the table allows that.
    fn moved(&self, status: RunStatus, reason: Option<&str>) -> Result<Self, RunRefusal> {
        if !self.status.may_become(status) {
            return Err(RunRefusal::Status(self.status));
        }
        Ok(Self {
            status,
            status_reason: reason.map(str::to_owned),
            ..self.clone()
        })
    }
}
