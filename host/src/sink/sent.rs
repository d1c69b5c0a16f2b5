//! The outcome of sending a message.

use std::time::Duration;

/// The outcome of sending a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sent {
    /// The sink accepted the message.
    Taken,
    /// The sink did not accept it.
    Failed {
        /// The cause, for people.
        error: String,
        /// The pause that the endpoint asks for.
        pause: Option<Duration>,
        /// True if the pause is for all messages (429). False if it is for this one only:
        /// a run that another consumer works on delays no other run.
        is_for_all: bool,
        /// True if the message itself may be the cause, so that it counts as an attempt.
        counts: bool,
    },
    /// The endpoint no longer exists and wants no more messages.
    Gone {
        /// The cause, for people.
        error: String,
    },
}

impl Sent {
    pub(super) fn failed(error: impl Into<String>) -> Self {
        Self::Failed {
            error: error.into(),
            pause: None,
            is_for_all: false,
            counts: true,
        }
    }

    /// A failure that is not the message's fault.
    pub(super) fn unavailable(error: impl Into<String>) -> Self {
        Self::Failed {
            error: error.into(),
            pause: None,
            is_for_all: false,
            counts: false,
        }
    }
}
