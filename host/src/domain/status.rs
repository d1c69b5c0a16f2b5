//! The state machines, each with one table of transitions. Every change of a status goes
//! through [`States::may_become`], and no other file has a status literal.

use crate::domain::text_enum::text_enum;
use std::fmt;

/// A set of states with its table of transitions.
pub trait States: Copy + Eq + fmt::Debug + fmt::Display + 'static {
    /// All allowed changes, as (from, to).
    const TRANSITIONS: &'static [(Self, Self)];

    /// True if `self` may change to `next`.
    fn may_become(self, next: Self) -> bool {
        Self::TRANSITIONS.contains(&(self, next))
    }

    /// True if no state follows.
    fn is_final(self) -> bool {
        Self::TRANSITIONS.iter().all(|(from, _)| *from != self)
    }
}

/// A [`text_enum!`] with its table of transitions: `From -> To | To;`.
macro_rules! states {
    ($(#[$doc:meta])* $name:ident { $($states:tt)* } $($from:ident -> $($to:ident)|+;)*) => {
        text_enum! {
            $(#[$doc])*
            pub enum $name { $($states)* }
        }

        impl States for $name {
            const TRANSITIONS: &'static [(Self, Self)] =
                &[$($((Self::$from, Self::$to)),+),*];
        }
    };
}

states! {
    /// The status of a delivery.
    DeliveryStatus {
        /// Waits for a worker, or for its next attempt.
        Pending = "pending",
        /// A worker holds the delivery.
        Processing = "processing",
        /// Stored for a trigger or an integration that a person has put on hold.
        Held = "held",
        /// Settled; see its outcome. Can be retried if it started no run.
        Completed = "completed",
        /// A dead letter; see its error. Can be retried or discarded.
        Failed = "failed",
        /// A dead letter or a held delivery that a person discarded.
        Discarded = "discarded",
    }
    Pending -> Processing;
    Processing -> Processing | Pending | Held | Completed | Failed;
    Held -> Pending | Discarded;
    Completed -> Pending;
    Failed -> Pending | Discarded;
}

states! {
    /// The status of an event.
    EventStatus {
        /// The run waits for a consumer.
        Queued = "queued",
        /// The run has started.
        Processing = "processing",
        /// The run succeeded.
        Completed = "completed",
        /// The run did not succeed. A person may still resolve it.
        Failed = "failed",
        /// The event started no run; see its skip reason.
        Skipped = "skipped",
    }
    Queued -> Processing | Failed | Skipped;
    Processing -> Completed | Failed;
    Failed -> Completed | Queued;
}

states! {
    /// The status of a run.
    RunStatus {
        /// Waits in the outbox for a consumer.
        Queued = "queued",
        /// A consumer works on the run.
        Running = "running",
        /// Done, with success.
        Succeeded = "succeeded",
        /// Done, without success. Or not handed over; then the run can be queued again.
        Failed = "failed",
        /// A person has to decide the outcome.
        NeedsHuman = "needs_human",
        /// Past its deadline, silent for too long, or never started.
        TimedOut = "timed_out",
        /// Cancelled.
        Cancelled = "cancelled",
    }
    Queued -> Running | Failed | TimedOut | Cancelled;
    Running -> Running | Succeeded | Failed | NeedsHuman | TimedOut | Cancelled;
    NeedsHuman -> Succeeded | Failed;
    Failed -> Succeeded | Queued;
    TimedOut -> Succeeded | Failed;
}

impl RunStatus {
    /// The status of the run's event, unless it is skipped. An event follows its run, and
    /// nothing else changes it.
    pub const fn event(self) -> EventStatus {
        match self {
            Self::Queued => EventStatus::Queued,
            Self::Running => EventStatus::Processing,
            Self::Succeeded => EventStatus::Completed,
            Self::Failed | Self::NeedsHuman | Self::TimedOut | Self::Cancelled => {
                EventStatus::Failed
            }
        }
    }

    /// True if no consumer works on the run or will start it.
    pub const fn is_over(self) -> bool {
        !matches!(self, Self::Queued | Self::Running)
    }
}

states! {
    /// The status of a message in the outbox.
    OutboxStatus {
        /// Waits for a consumer, or for its next attempt.
        Pending = "pending",
        /// A consumer or a dispatcher holds the message until its lease expires.
        Processing = "processing",
        /// Acknowledged.
        Dispatched = "dispatched",
        /// A dead letter; see its error. Can be retried or discarded.
        Failed = "failed",
        /// A dead letter that a person discarded.
        Discarded = "discarded",
        /// Withdrawn before a consumer acknowledged it.
        Withdrawn = "withdrawn",
    }
    Pending -> Processing | Withdrawn;
    Processing -> Processing | Pending | Dispatched | Failed | Withdrawn;
    Failed -> Pending | Discarded;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_final_state_stays_final() {
        assert!(EventStatus::Completed.is_final());
        assert!(EventStatus::Skipped.is_final());
        assert!(RunStatus::Succeeded.is_final());
        assert!(!EventStatus::Completed.may_become(EventStatus::Processing));
        assert!(DeliveryStatus::Discarded.is_final());
        assert!(!RunStatus::TimedOut.may_become(RunStatus::Running));
    }

    #[test]
    fn an_event_may_follow_every_change_of_its_run() {
        for (from, to) in RunStatus::TRANSITIONS {
            let (before, after) = (from.event(), to.event());
            assert!(
                before == after || before.may_become(after),
                "{from} to {to}: the event cannot go from {before} to {after}"
            );
        }
    }

    #[test]
    fn a_run_that_is_over_never_runs_again() {
        // The exception was never started: its hand-off may be retried.
        let again = (RunStatus::Failed, RunStatus::Queued);
        for (from, to) in RunStatus::TRANSITIONS {
            let stays = !from.is_over() || to.is_over();
            assert!(stays || (*from, *to) == again, "{from} to {to}");
        }
    }
}
