//! What is decided about a claimed delivery, on its way to the settler.

use crate::domain::DeliveryId;
use crate::domain::delivery::{ClaimedDelivery, Disposition};
use crate::domain::event::DecidedEvent;
use crate::domain::trace::TraceParent;
use crate::store::Settlement;
use std::iter::Peekable;

/// What is decided about a claimed delivery.
pub(super) enum Decided {
    /// It is settled.
    Settle {
        /// How.
        settlement: Settlement,
        /// The claim's [`ClaimedDelivery::tries`].
        tries: i32,
    },
    /// Nothing was tried: another claim may take it, and this one does not count.
    GiveBack {
        /// The row.
        delivery: DeliveryId,
        /// The claim's fence.
        attempt: i32,
    },
}

impl Decided {
    pub(super) fn settle(
        delivery: &ClaimedDelivery,
        disposition: Disposition,
        events: Vec<DecidedEvent>,
    ) -> Self {
        Self::Settle {
            settlement: Settlement {
                delivery: delivery.id,
                attempt: delivery.attempt,
                disposition,
                owner: None,
                events,
                trace: TraceParent::of(&delivery.headers),
            },
            tries: delivery.tries,
        }
    }

    fn events(&self) -> usize {
        match self {
            Self::Settle { settlement, .. } => settlement.events.len(),
            Self::GiveBack { .. } => 0,
        }
    }
}

/// What fits into one transaction: at least one, however many events it has.
pub(super) fn next_batch<P>(
    rest: &mut Peekable<impl Iterator<Item = (Decided, P)>>,
    events_max: usize,
) -> (Vec<Decided>, Vec<P>) {
    let mut events = 0;
    let (mut batch, mut permits) = (Vec::new(), Vec::new());
    while let Some((decided, permit)) =
        rest.next_if(|(next, _)| batch.is_empty() || events + next.events() <= events_max)
    {
        events += decided.events();
        batch.push(decided);
        permits.push(permit);
    }
    (batch, permits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::event::{Decision, ParsedEvent};
    use crate::domain::{AutomationId, TriggerId};
    use std::sync::Arc;

    fn with_events(count: usize) -> (Decided, ()) {
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
        let settlement = Settlement {
            delivery: DeliveryId::new(),
            attempt: 1,
            disposition: Disposition::Completed {
                outcome: String::new(),
            },
            owner: None,
            events: vec![event; count],
            trace: None,
        };
        (
            Decided::Settle {
                settlement,
                tries: 1,
            },
            (),
        )
    }

    #[test]
    fn no_transaction_has_more_events_than_allowed_except_for_one_delivery() {
        let counts = [2, 2, 1, 9, 0, 5, 0, 1];
        let mut rest = counts.into_iter().map(with_events).peekable();
        let mut sizes = Vec::new();
        while rest.peek().is_some() {
            let (batch, _) = next_batch(&mut rest, 5);
            sizes.push(batch.iter().map(Decided::events).collect::<Vec<_>>());
        }
        assert_eq!(
            sizes,
            [vec![2, 2, 1], vec![9], vec![0, 5, 0], vec![1]],
            "as few transactions as the order allows"
        );
    }
}
