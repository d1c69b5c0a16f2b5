//! The settler's queue, cut into transactions.

use crate::domain::DeliveryId;
use crate::store::Settlement;
use crate::worker::parts::{PartLimits, Size};
use std::iter::Peekable;

/// A processed delivery on its way into the database.
pub(super) enum Processed {
    /// It is settled.
    Settle(Box<Settlement>),
    /// Another claim may take it at once, and this attempt does not count.
    GiveBack {
        delivery: DeliveryId,
        /// The claim's fence.
        attempt: i32,
    },
}

impl Processed {
    fn size(&self) -> Size {
        match self {
            Self::Settle(settlement) => Size::of(&settlement.events[settlement.written..]),
            Self::GiveBack { .. } => Size::default(),
        }
    }
}

/// The work of the next transaction.
pub(super) enum Next<P> {
    /// Deliveries that fit into one transaction together.
    Batch(Vec<(Processed, P)>),
    /// A delivery that needs transactions of its own.
    Large(Processed, P),
}

/// Takes the deliveries of the next transaction: as many as `limits` allow, or one that is
/// larger. None if nothing is left.
pub(super) fn next_batch<P>(
    rest: &mut Peekable<impl Iterator<Item = (Processed, P)>>,
    limits: PartLimits,
) -> Option<Next<P>> {
    let (mut size, mut batch) = (Size::default(), Vec::new());
    while let Some((processed, permit)) = rest.next() {
        let own = processed.size();
        if batch.is_empty() && !limits.allow(own) {
            return Some(Next::Large(processed, permit));
        }
        size = size.with(own);
        batch.push((processed, permit));
        let fits = |(next, _): &(Processed, P)| limits.allow(size.with(next.size()));
        if !rest.peek().is_some_and(fits) {
            break;
        }
    }
    (!batch.is_empty()).then_some(Next::Batch(batch))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::delivery::Disposition;
    use crate::domain::event::{DecidedEvent, Decision, ParsedEvent};
    use crate::domain::{AutomationId, TriggerId};
    use std::sync::Arc;

    fn with_events(count: usize) -> (Processed, ()) {
        let event = DecidedEvent {
            org: "acme".parse().unwrap(),
            trigger: TriggerId::new(),
            automation: AutomationId::new(),
            event: Arc::new(ParsedEvent {
                dedup_key: "k".into(),
                kind: "push".into(),
                occurred_at: None,
                title: "t".into(),
                url: None,
                actor: None,
                facts: "{}".into(),
            }),
            decision: Decision::Run,
        };
        let settlement = Box::new(Settlement {
            delivery: DeliveryId::new(),
            attempt: 1,
            tries: 1,
            retry_since: None,
            disposition: Disposition::Completed {
                outcome: String::new(),
            },
            owner: None,
            events: vec![event; count],
            trace: None,
            written: 0,
        });
        (Processed::Settle(settlement), ())
    }

    #[test]
    fn no_transaction_has_more_events_than_allowed() {
        let limits = PartLimits {
            events_max: 5,
            bytes_max: usize::MAX,
        };
        let counts = [2, 2, 1, 9, 0, 5, 0, 1];
        let mut rest = counts.into_iter().map(with_events).peekable();
        let mut sizes = Vec::new();
        while let Some(next) = next_batch(&mut rest, limits) {
            let events = |processed: &Processed| processed.size().events;
            sizes.push(match next {
                Next::Batch(batch) => batch.iter().map(|(one, ())| events(one)).collect(),
                Next::Large(one, ()) => vec![events(&one), usize::MAX],
            });
        }
        let large = vec![9, usize::MAX];
        assert_eq!(
            sizes,
            [vec![2, 2, 1], large, vec![0, 5, 0], vec![1]],
            "as few transactions as the order allows"
        );
    }

    #[test]
    fn no_transaction_has_more_bytes_than_allowed() {
        let each = with_events(1).0.size().bytes;
        let limits = PartLimits {
            events_max: usize::MAX,
            bytes_max: 2 * each,
        };
        let mut rest = (0..5).map(|_| with_events(1)).peekable();
        let mut sizes = Vec::new();
        while let Some(Next::Batch(batch)) = next_batch(&mut rest, limits) {
            sizes.push(batch.len());
        }
        assert_eq!(sizes, [2, 2, 1]);
    }
}
