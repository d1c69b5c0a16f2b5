//! The actions on a run, and the reasons for which they are refused.

use crate::domain::text_enum::text_enum;
use crate::domain::{RunStatus, Timestamp};
use std::time::Duration;

/// An action on a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunAction {
    /// A consumer starts the run.
    Start(Start),
    /// The consumer shows that it is alive.
    Heartbeat {
        /// The attempt of the consumer; none means the current one.
        attempt: Option<i32>,
    },
    /// The consumer reports the end of the run.
    Complete(Completion),
    /// A person or the application cancels the run.
    Cancel {
        /// The reason; [`super::CANCELLED`] if there is none.
        reason: Option<String>,
    },
    /// A person decides the outcome.
    Resolve(Resolution),
    /// The run times out, if one of its limits has passed.
    TimeOut,
    /// The message of the run became a dead letter, so no consumer will start the run.
    GiveUp {
        /// The error of the hand-off.
        error: String,
    },
    /// The dead letter of the run is retried.
    HandOver,
}

/// The start of a run by a consumer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Start {
    /// The consumer's own id for this start. Repeating it changes nothing.
    pub start_id: Option<String>,
    /// The time that the run may take.
    pub deadline: Duration,
    /// The longest time between heartbeats.
    pub inactivity: Duration,
}

/// The completion of a run by its consumer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completion {
    /// The consumer's own id for this completion. Repeating it changes nothing.
    pub completion_id: String,
    /// The attempt of the consumer; none means the current one.
    pub attempt: Option<i32>,
    /// The outcome.
    pub outcome: RunOutcome,
    /// The result, as JSON.
    pub result: Option<String>,
    /// The error, if the run failed.
    pub error: Option<String>,
}

/// The resolution of a run by a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolution {
    /// True for succeeded, false for failed.
    pub succeeded: bool,
    /// The reason.
    pub reason: String,
    /// A comment for the history.
    pub comment: Option<String>,
}

text_enum! {
    /// The outcome of a run, as its consumer reports it.
    pub enum RunOutcome {
        /// The run achieved its purpose.
        Succeeded = "succeeded",
        /// The run failed.
        Failed = "failed",
        /// A person has to decide the outcome.
        NeedsHuman = "needs_human",
    }
}

impl RunOutcome {
    /// The status of a run with this outcome.
    pub const fn status(self) -> RunStatus {
        match self {
            Self::Succeeded => RunStatus::Succeeded,
            Self::Failed => RunStatus::Failed,
            Self::NeedsHuman => RunStatus::NeedsHuman,
        }
    }
}

/// The reason for which an action on a run is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RunRefusal {
    /// The status of the run does not allow the action.
    #[error("the run is {0}")]
    Status(RunStatus),
    /// No consumer has started the run.
    #[error("the run is {0}: it has to be started first", RunStatus::Queued)]
    NotStarted,
    /// A consumer works on the run, and its last heartbeat is recent.
    #[error(
        "attempt {attempt} works on the run; it can be taken over at {until}, unless a heartbeat comes"
    )]
    InHand {
        /// The attempt of that consumer.
        attempt: i32,
        /// The run may be taken over at this time, unless there is a heartbeat before.
        until: Timestamp,
    },
    /// The deadline has passed, so the run cannot be started again.
    #[error("the run is past its deadline")]
    PastDeadline,
    /// Another consumer has taken the run over.
    #[error("the run is in attempt {current}: attempt {given} has no say any more")]
    TakenOver {
        /// The current attempt.
        current: i32,
        /// The attempt that the caller named.
        given: i32,
    },
    /// The same completion id was used with another outcome, result or error.
    #[error("this completion_id was used with another outcome, result or error")]
    OtherCompletion,
}
