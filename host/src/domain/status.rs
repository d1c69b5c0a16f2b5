//! The life cycles. Each state machine is one table of transitions; every change
//! of a status goes through [`States::may_become`], and no other place spells
//! a status out.

use crate::domain::text_enum::text_enum;
use std::fmt;

/// A set of states with its table of transitions.
pub trait States: Copy + Eq + fmt::Debug + fmt::Display + 'static {
    /// All allowed changes, as (from, to).
    const TRANSITIONS: &'static [(Self, Self)];

    /// Whether `self` may turn into `next`.
    fn may_become(self, next: Self) -> bool {
        Self::TRANSITIONS.contains(&(self, next))
    }

    /// Whether nothing follows.
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
    /// Where a delivery stands.
    DeliveryStatus {
        /// Waits for a worker, or for its next attempt.
        Pending = "pending",
        /// A worker holds it, until its lease lapses.
        Processing = "processing",
        /// Settled; its outcome says how.
        Completed = "completed",
        /// A dead letter; its error says why. Can be retried or discarded.
        Failed = "failed",
        /// A dead letter that a person gave up.
        Discarded = "discarded",
    }
    Pending -> Processing;
    Processing -> Processing | Pending | Completed | Failed;
    Failed -> Pending | Discarded;
}

states! {
    /// Where an event stands.
    EventStatus {
        /// Its run waits for a consumer.
        Queued = "queued",
        /// Its run has started.
        Processing = "processing",
        /// Its run succeeded.
        Completed = "completed",
        /// Its run did not, or not yet: a person may still resolve it.
        Failed = "failed",
        /// It started no run; its skip reason says why.
        Skipped = "skipped",
    }
    Queued -> Processing | Failed | Skipped;
    Processing -> Completed | Failed;
    Failed -> Completed | Queued;
}

states! {
    /// Where a run stands.
    RunStatus {
        /// Handed to the outbox.
        Queued = "queued",
        /// A consumer works on it.
        Running = "running",
        /// Done.
        Succeeded = "succeeded",
        /// Done, without success; or not handed over, and then it can wait once more.
        Failed = "failed",
        /// A person has to decide.
        NeedsHuman = "needs_human",
        /// Past its deadline, silent for too long, or never started.
        TimedOut = "timed_out",
        /// Called off.
        Cancelled = "cancelled",
    }
    Queued -> Running | Failed | TimedOut | Cancelled;
    Running -> Running | Succeeded | Failed | NeedsHuman | TimedOut | Cancelled;
    NeedsHuman -> Succeeded | Failed;
    Failed -> Succeeded | Queued;
    TimedOut -> Succeeded | Failed;
}

impl RunStatus {
    /// Where the event of a run stands, unless it was skipped: an event follows its
    /// run, and nothing else moves it.
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

    /// Whether nobody works on the run any more, or is going to.
    pub const fn is_over(self) -> bool {
        !matches!(self, Self::Queued | Self::Running)
    }
}

states! {
    /// Where a message of the outbox stands.
    OutboxStatus {
        /// Waits for a consumer, or for its next attempt.
        Pending = "pending",
        /// A consumer holds it, until its lease lapses.
        Processing = "processing",
        /// Acknowledged.
        Dispatched = "dispatched",
        /// A dead letter; its error says why. Can be retried or discarded.
        Failed = "failed",
        /// A dead letter that a person gave up.
        Discarded = "discarded",
        /// Called off before anybody acknowledged it.
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
        assert!(!DeliveryStatus::Completed.may_become(DeliveryStatus::Pending));
        assert!(!RunStatus::TimedOut.may_become(RunStatus::Running));
    }

    #[test]
    fn whatever_a_run_may_do_its_event_may_follow() {
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
        // Not one that was never started: it may wait for its hand-off once more.
        let again = (RunStatus::Failed, RunStatus::Queued);
        for (from, to) in RunStatus::TRANSITIONS {
            let stays = !from.is_over() || to.is_over();
            assert!(stays || (*from, *to) == again, "{from} to {to}");
        }
    }
}
