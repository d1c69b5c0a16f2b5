//! One attempt at a claimed delivery, and the ways in which it ends without events.

use super::context::InboxContext;
use crate::clock;
use crate::domain::delivery::{ClaimedDelivery, Disposition};
use crate::domain::event::DecidedEvent;
use crate::domain::limits::{REASON_BYTES_MAX, bounded};
use crate::domain::trace::TraceParent;
use crate::provider::{Consequence, GuestError, ParseFailure};
use crate::store::{Owner, Settlement};

/// One attempt at a claimed delivery. Its logs name the error's kind and never its text,
/// which may quote a sender or a guest.
#[derive(Clone, Copy)]
pub(super) struct Attempt<'a> {
    context: &'a InboxContext,
    delivery: &'a ClaimedDelivery,
}

impl<'a> Attempt<'a> {
    pub(super) fn at(context: &'a InboxContext, delivery: &'a ClaimedDelivery) -> Self {
        Self { context, delivery }
    }

    /// The row to write.
    pub(super) fn settlement(
        &self,
        disposition: Disposition,
        owner: Option<Owner>,
        events: Vec<DecidedEvent>,
    ) -> Settlement {
        Settlement {
            delivery: self.delivery.id,
            attempt: self.delivery.attempt,
            tries: self.delivery.tries,
            retry_since: Some(self.delivery.retry_since),
            disposition,
            owner,
            events,
            trace: TraceParent::of(&self.delivery.headers),
            written: 0,
        }
    }

    /// Completes the delivery: nothing in it starts a run.
    pub(super) fn complete(&self, outcome: &str) -> Disposition {
        Disposition::Completed {
            outcome: bounded(outcome, REASON_BYTES_MAX),
        }
    }

    /// Retries the delivery after a backoff. Once its retries are too old it is a dead letter.
    pub(super) fn retry(&self, kind: &'static str, error: &str) -> Disposition {
        let (context, delivery) = (self.context, self.delivery);
        if !context.retries(delivery.retry_since, clock::now()) {
            return self.fail(kind, error);
        }
        let wait = context.backoff().after(delivery.tries, rand::random());
        tracing::warn!(
            inbox.id = %delivery.id,
            provider.id = delivery.origin.provider,
            attempt = delivery.tries,
            error.kind = kind,
            retry_in_ms = wait.as_millis(),
            "a delivery could not be processed; it will be retried"
        );
        Disposition::Retry {
            at: clock::now() + wait,
            error: bounded(error, REASON_BYTES_MAX),
        }
    }

    /// Makes the delivery a dead letter.
    pub(super) fn fail(&self, kind: &'static str, error: &str) -> Disposition {
        tracing::warn!(
            inbox.id = %self.delivery.id,
            provider.id = self.delivery.origin.provider,
            attempt = self.delivery.tries,
            error.kind = kind,
            "a delivery is a dead letter now"
        );
        Disposition::Failed {
            error: bounded(error, REASON_BYTES_MAX),
        }
    }

    /// Ends the attempt as the guest's error demands.
    pub(super) fn guest_error(&self, error: &GuestError) -> Disposition {
        let text = error.to_string();
        match error.consequence() {
            Consequence::Retry => self.retry(error.kind(), &text),
            Consequence::Fail => self.fail(error.kind(), &text),
        }
    }

    /// Ends the attempt as the provider's answer demands.
    pub(super) fn parse_failure(&self, failure: &ParseFailure) -> Disposition {
        match failure {
            ParseFailure::Malformed(_) => self.fail("malformed", &failure.to_string()),
            ParseFailure::Ignored(_) => self.complete(&failure.to_string()),
            ParseFailure::Guest(error) => self.guest_error(error),
        }
    }

    /// Lets the delivery wait for a host that can process it: replicas restart one after
    /// the other.
    pub(super) fn wait(&self, reason: &str) -> Disposition {
        let (context, delivery) = (self.context, self.delivery);
        let wait = context.config.wait_ms.duration();
        tracing::warn!(
            inbox.id = %delivery.id,
            provider.id = delivery.origin.provider,
            retry_in_ms = wait.as_millis(),
            "a delivery waits for a host that can process it"
        );
        Disposition::Wait {
            at: clock::now() + wait,
            reason: bounded(reason, REASON_BYTES_MAX),
        }
    }

    /// Waits for the provider.
    pub(super) fn not_registered(&self) -> Disposition {
        let provider = &self.delivery.origin.provider;
        self.wait(&format!("the provider {provider} is not registered"))
    }
}
