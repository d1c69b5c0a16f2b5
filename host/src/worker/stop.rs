//! Why a delivery is not settled with events, and what becomes of it then.

use super::claimer::InboxContext;
use crate::clock;
use crate::domain::delivery::{ClaimedDelivery, Disposition};
use crate::domain::limits::{REASON_BYTES_MAX, bounded};
use crate::provider::{Consequence, GuestError, ParseFailure};

/// Why a delivery is not settled with events.
pub(super) enum Stop {
    /// Nothing to do, for this reason.
    Done(String),
    /// Try again.
    Retry(Reason),
    /// A dead letter.
    Fail(Reason),
    /// Nothing was tried, because no instance was free.
    GiveBack,
}

/// What went wrong.
pub(super) struct Reason {
    /// For the log, which must not hold what a sender or a guest wrote.
    kind: &'static str,
    /// For the row.
    text: String,
}

impl Reason {
    pub(super) fn new(kind: &'static str, text: impl Into<String>) -> Self {
        let text = text.into();
        Self { kind, text }
    }
}

impl From<GuestError> for Stop {
    fn from(error: GuestError) -> Self {
        let reason = Reason::new(error.kind(), error.to_string());
        match error.consequence() {
            Consequence::Retry => Self::Retry(reason),
            Consequence::Fail => Self::Fail(reason),
        }
    }
}

impl From<ParseFailure> for Stop {
    fn from(failure: ParseFailure) -> Self {
        let text = failure.to_string();
        match failure {
            ParseFailure::Malformed(_) => Self::Fail(Reason::new("malformed", text)),
            ParseFailure::Ignored(_) => Self::Done(text),
            ParseFailure::Guest(error) => error.into(),
        }
    }
}

impl Stop {
    /// What becomes of the delivery; none if it is given back.
    pub(super) fn disposition(
        self,
        delivery: &ClaimedDelivery,
        context: &InboxContext,
    ) -> Option<Disposition> {
        match self {
            Self::GiveBack => {
                tracing::warn!(
                    inbox.id = %delivery.id,
                    provider.id = delivery.origin.provider,
                    attempt = delivery.tries,
                    "no instance was free for a delivery; it is given back"
                );
                None
            }
            Self::Done(outcome) => Some(Disposition::Completed {
                outcome: bounded(&outcome, REASON_BYTES_MAX),
            }),
            Self::Retry(reason) if delivery.tries < context.config.attempts_max => {
                Some(retry(delivery, context, &reason))
            }
            Self::Retry(reason) | Self::Fail(reason) => {
                tracing::warn!(
                    inbox.id = %delivery.id,
                    provider.id = delivery.origin.provider,
                    attempt = delivery.tries,
                    error.kind = reason.kind,
                    "a delivery is a dead letter now"
                );
                Some(Disposition::Failed {
                    error: bounded(&reason.text, REASON_BYTES_MAX),
                })
            }
        }
    }
}

fn retry(delivery: &ClaimedDelivery, context: &InboxContext, reason: &Reason) -> Disposition {
    let wait = context.backoff().after(delivery.tries, rand::random());
    tracing::warn!(
        inbox.id = %delivery.id,
        provider.id = delivery.origin.provider,
        attempt = delivery.tries,
        error.kind = reason.kind,
        retry_in_ms = wait.as_millis(),
        "a delivery could not be processed; it is tried again"
    );
    Disposition::Retry {
        at: clock::now() + wait,
        error: bounded(&reason.text, REASON_BYTES_MAX),
    }
}
