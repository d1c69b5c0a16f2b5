//! The settler's queue, cut into transactions.

use crate::domain::DeliveryId;
use crate::store::Settlement;
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
    fn events(&self) -> usize {
        match self {
            Self::Settle(settlement) => settlement.events.len(),
            Self::GiveBack { .. } => 0,
        }
    }
}

/// The deliveries of the next transaction: as many as `events_max` allows, and at least
/// one, however many events it has.
pub(super) fn next_batch<P>(
    rest: &mut Peekable<impl Iterator<Item = (Processed, P)>>,
    events_max: usize,
) -> (Vec<Processed>, Vec<P>) {
    let mut events = 0;
    let (mut batch, mut permits) = (Vec::new(), Vec::new());
    while let Some((processed, permit)) =
        rest.next_if(|(next, _)| batch.is_empty() || events + next.events() <= events_max)
    {
        events += processed.events();
        batch.push(processed);
        permits.push(permit);
    }
    (batch, permits)
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
        let settlement = Settlement {
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
        };
        (Processed::Settle(Box::new(settlement)), ())
    }

    #[test]
    fn no_transaction_has_more_events_than_allowed_except_for_one_delivery() {
        let counts = [2, 2, 1, 9, 0, 5, 0, 1];
        let mut rest = counts.into_iter().map(with_events).peekable();
        let mut sizes = Vec::new();
        while rest.peek().is_some() {
            let (batch, _) = next_batch(&mut rest, 5);
            sizes.push(batch.iter().map(Processed::events).collect::<Vec<_>>());
        }
        assert_eq!(
            sizes,
            [vec![2, 2, 1], vec![9], vec![0, 5, 0], vec![1]],
            "as few transactions as the order allows"
        );
    }
}
