//! What may be done about a run, and why it may be refused.

use crate::domain::{RunStatus, Timestamp};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use std::time::Duration;
use utoipa::ToSchema;

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

/// How a consumer says that a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RunOutcome {
    /// It did what it was for.
    Succeeded,
    /// It did not.
    Failed,
    /// A person has to decide.
    NeedsHuman,
}

impl RunOutcome {
    const ALL: [Self; 3] = [Self::Succeeded, Self::Failed, Self::NeedsHuman];

    /// The status that a run gets by it.
    pub const fn status(self) -> RunStatus {
        match self {
            Self::Succeeded => RunStatus::Succeeded,
            Self::Failed => RunStatus::Failed,
            Self::NeedsHuman => RunStatus::NeedsHuman,
        }
    }

    /// The outcome as it is stored and shown.
    pub const fn as_str(self) -> &'static str {
        self.status().as_str()
    }
}

impl fmt::Display for RunOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for RunOutcome {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|outcome| outcome.as_str() == text)
            .ok_or_else(|| format!("expected succeeded, failed or needs_human, got {text:?}"))
    }
}

/// Why something cannot be done about a run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
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
