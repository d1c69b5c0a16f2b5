//! A worker's decision about a delivery, and what follows from it for the delivery's rows.

use super::PARKED;
use crate::domain::delivery::Disposition;
use crate::domain::event::{DecidedEvent, Decision};
use crate::domain::trace::TraceParent;
use crate::domain::{DeliveryId, DeliveryStatus, IntegrationId, OrgId, Timestamp};
use crate::store::events::source::{Ids, Source};

/// A worker's decision about one claimed delivery.
#[derive(Clone, Debug)]
pub struct Settlement {
    /// The row.
    pub delivery: DeliveryId,
    /// The claim's fence.
    pub attempt: i32,
    /// Attempts that count, this one included.
    pub tries: i32,
    /// The time from which the age of the retries counts; none if nobody could read it.
    pub retry_since: Option<Timestamp>,
    /// The result for the row.
    pub disposition: Disposition,
    /// The owner of the delivery, if the worker found it and not the route.
    pub owner: Option<Owner>,
    /// Events to write. A delivery that does not complete has skipped ones only.
    pub events: Vec<DecidedEvent>,
    /// The trace of the sender's request, which consumers continue.
    pub trace: Option<TraceParent>,
    /// Events at the beginning that [parts](crate::store::Store::settle_part) have written.
    pub written: usize,
}

/// The integration that a delivery belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// Its organization.
    pub org: OrgId,
    /// The integration.
    pub integration: IntegrationId,
    /// Its provider.
    pub provider: String,
}

impl Settlement {
    /// Its events; `is_part` if it is written in parts.
    pub(super) fn source(&self, is_part: bool) -> Source<'_> {
        // The attempts since a person retried the delivery repeat one another.
        let ids = (is_part || self.attempt > 1).then(|| {
            let at = self.delivery.made_at().unwrap_or_default();
            let since = self.retry_since.unwrap_or_default().0.to_le_bytes();
            Ids::of(at, [self.delivery.0.as_bytes().as_slice(), &since])
        });
        Source {
            delivery: Some(self.delivery),
            attempt: Some(self.attempt),
            trace: self.trace.as_ref(),
            events: &self.events,
            ids,
        }
    }

    pub(super) fn status(&self) -> DeliveryStatus {
        match self.disposition {
            Disposition::Completed { .. } => DeliveryStatus::Completed,
            Disposition::Retry { .. } | Disposition::Wait { .. } => DeliveryStatus::Pending,
            Disposition::Held { .. } => DeliveryStatus::Held,
            Disposition::Failed { .. } => DeliveryStatus::Failed,
        }
    }

    /// True if nobody has to do anything about the delivery any more.
    pub(super) fn ends(&self) -> bool {
        matches!(self.disposition, Disposition::Completed { .. })
    }

    /// True if the delivery started nothing: what its sender repeats is processed again.
    pub(super) fn frees_key(&self) -> bool {
        match self.disposition {
            Disposition::Completed { .. } => !self.starts_runs(),
            Disposition::Failed { .. } => true,
            _ => false,
        }
    }

    /// True if it has an event that starts a run, or repeats one that did.
    pub(super) fn starts_runs(&self) -> bool {
        let starts = |decided: &DecidedEvent| decided.decision == Decision::Run;
        self.events.iter().any(starts)
    }

    /// The attempts to count.
    pub(super) fn failures(&self) -> i32 {
        let is_failure = matches!(
            self.disposition,
            Disposition::Retry { .. } | Disposition::Failed { .. }
        );
        i32::from(is_failure)
    }

    /// The result in metrics.
    pub(super) fn result(&self) -> &'static str {
        match self.disposition {
            Disposition::Completed { .. } => "completed",
            Disposition::Retry { .. } => "retried",
            Disposition::Wait { .. } => "waiting",
            Disposition::Held { .. } => "held",
            Disposition::Failed { .. } => "failed",
        }
    }

    pub(super) fn outcome(&self) -> Option<&str> {
        match &self.disposition {
            Disposition::Completed { outcome } => Some(outcome),
            Disposition::Held { reason, .. } => Some(reason),
            _ => None,
        }
    }

    pub(super) fn error(&self) -> Option<&str> {
        match &self.disposition {
            Disposition::Completed { .. } | Disposition::Held { .. } => None,
            Disposition::Wait { reason, .. } => Some(reason),
            Disposition::Retry { error, .. } | Disposition::Failed { error } => Some(error),
        }
    }

    /// None if the delivery has ended.
    pub(super) fn due_at(&self) -> Option<i64> {
        match self.disposition {
            Disposition::Retry { at, .. } | Disposition::Wait { at, .. } => Some(at.0),
            Disposition::Held { .. } | Disposition::Failed { .. } => Some(PARKED.0),
            Disposition::Completed { .. } => None,
        }
    }

    pub(super) fn only_triggers(&self) -> Option<String> {
        match &self.disposition {
            Disposition::Held { only_triggers, .. } => {
                // Serializing ids cannot fail.
                let ids = only_triggers.as_ref()?;
                serde_json::to_string(ids).ok()
            }
            _ => None,
        }
    }

    pub(super) fn processed_at(&self, now: Timestamp) -> Option<i64> {
        let is_over = matches!(
            self.disposition,
            Disposition::Completed { .. } | Disposition::Failed { .. }
        );
        is_over.then_some(now.0)
    }
}
