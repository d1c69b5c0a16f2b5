//! What may be done about a run, and why it may be refused.

use crate::domain::text_enum::text_enum;
use crate::domain::{RunStatus, Timestamp};
use std::time::Duration;

/// Something that is done about a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunAction {
    /// A consumer begins to work on it.
    Start(Start),
    /// Its consumer shows that it is alive.
    Heartbeat {
        /// The attempt that it speaks for; whichever runs, if it does not say.
        attempt: Option<i32>,
    },
    /// Its consumer is done.
    Complete(Completion),
    /// Somebody calls it off.
    Cancel {
        /// Why; [`super::CANCELLED`] where nobody says.
        reason: Option<String>,
    },
    /// A person decides how it ended.
    Resolve(Resolution),
    /// Its time is up, if it is.
    TimeOut,
    /// Its message became a dead letter: nobody will ever start it.
    GiveUp {
        /// What went wrong.
        error: String,
    },
    /// Its message, which was a dead letter, is to be handed over after all.
    HandOver,
}

/// A consumer begins to work on a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Start {
    /// The consumer's own name for this start: repeating it changes nothing.
    pub start_id: Option<String>,
    /// How long the run may take.
    pub deadline: Duration,
    /// How long its consumer may be silent.
    pub inactivity: Duration,
}

/// A consumer is done with a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completion {
    /// The consumer's own name for this completion: repeating it changes nothing.
    pub completion_id: String,
    /// The attempt that it speaks for; whichever runs, if it does not say.
    pub attempt: Option<i32>,
    /// How it ended.
    pub outcome: RunOutcome,
    /// JSON.
    pub result: Option<String>,
    /// What went wrong.
    pub error: Option<String>,
}

/// A person decides how a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolution {
    /// Succeeded, or failed.
    pub succeeded: bool,
    /// Why.
    pub reason: String,
    /// Whatever else is to be remembered.
    pub comment: Option<String>,
}

text_enum! {
    /// How a consumer says that a run ended.
    pub enum RunOutcome {
        /// It did what it was for.
        Succeeded = "succeeded",
        /// It did not.
        Failed = "failed",
        /// A person has to decide.
        NeedsHuman = "needs_human",
    }
}

impl RunOutcome {
    /// The status that a run gets by it.
    pub const fn status(self) -> RunStatus {
        match self {
            Self::Succeeded => RunStatus::Succeeded,
            Self::Failed => RunStatus::Failed,
            Self::NeedsHuman => RunStatus::NeedsHuman,
        }
    }
}

/// Why something cannot be done about a run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RunRefusal {
    /// Its status does not allow it, and never will.
    #[error("the run is {0}")]
    Status(RunStatus),
    /// Its consumer has not started it.
    #[error("the run is {0}: it has to be started first", RunStatus::Queued)]
    NotStarted,
    /// A consumer works on it and was heard of lately.
    #[error(
        "attempt {attempt} works on the run; it can be taken over at {until}, unless it is heard of"
    )]
    InHand {
        /// Whose it is.
        attempt: i32,
        /// From when on it may be taken over, if its consumer stays silent.
        until: Timestamp,
    },
    /// Its deadline has passed, so it is not started once more.
    #[error("the run is past its deadline")]
    PastDeadline,
    /// Another consumer has taken it over since.
    #[error("the run is in attempt {current}: attempt {given} has no say any more")]
    TakenOver {
        /// The attempt that has the say.
        current: i32,
        /// The attempt that was named.
        given: i32,
    },
    /// This completion was recorded with other words.
    #[error("this completion_id was used with another outcome, result or error")]
    OtherCompletion,
}
