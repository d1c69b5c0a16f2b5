//! Limits of one transaction: a number of rows and of bytes that no tenant chooses.

use crate::domain::event::{DecidedEvent, Decision};
use std::sync::Arc;

/// Bytes of an event, a run and a message besides the texts of the event.
const ROW_BYTES: usize = 512;

/// Limits on what one transaction writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PartLimits {
    pub(super) events_max: usize,
    pub(super) bytes_max: usize,
}

/// Rows of events, and the bytes that cross to the database or are copied there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Size {
    pub(super) events: usize,
    pub(super) bytes: usize,
}

impl Size {
    /// The size of `events`, which are in the order of the provider's events.
    pub(super) fn of(events: &[DecidedEvent]) -> Self {
        let mut size = Self::default();
        for (index, decided) in events.iter().enumerate() {
            size.add(decided, index.checked_sub(1).map(|before| &events[before]));
        }
        size
    }

    fn add(&mut self, decided: &DecidedEvent, before: Option<&DecidedEvent>) {
        let event = &decided.event;
        let texts = event.facts.len() + event.title.len() + event.dedup_key.len();
        let is_new = before.is_none_or(|before| !Arc::ptr_eq(&before.event, event));
        self.events += 1;
        self.bytes += ROW_BYTES + if is_new { texts } else { 0 };
        self.bytes += match &decided.decision {
            // Its row has a copy of the facts.
            Decision::Run => texts,
            Decision::Skip { detail, .. } => detail.as_ref().map_or(0, String::len),
        };
    }

    pub(super) fn with(self, other: Self) -> Self {
        Self {
            events: self.events + other.events,
            bytes: self.bytes + other.bytes,
        }
    }
}

impl PartLimits {
    pub(super) fn allow(self, size: Size) -> bool {
        size.events <= self.events_max && size.bytes <= self.bytes_max
    }

    /// The end of the part of `events` that begins at `from`: one event at least.
    pub(super) fn part_end(self, events: &[DecidedEvent], from: usize) -> usize {
        let mut size = Size::default();
        for (index, decided) in events.iter().enumerate().skip(from) {
            let before = (index > from).then(|| &events[index - 1]);
            size.add(decided, before);
            if index > from && !self.allow(size) {
                return index;
            }
        }
        events.len()
    }

    /// Half of `events` events, after a part of so many failed; none if that was one.
    pub(super) fn halved(self, events: usize) -> Option<Self> {
        (events > 1).then_some(Self {
            events_max: events / 2,
            ..self
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::event::{ParsedEvent, SkipReason};
    use crate::domain::{AutomationId, TriggerId};

    fn of_triggers(facts_bytes: usize, runs: usize, skips: usize) -> Vec<DecidedEvent> {
        let event = Arc::new(ParsedEvent {
            dedup_key: "k".into(),
            kind: "push".into(),
            occurred_at: None,
            title: "t".into(),
            url: None,
            actor: None,
            facts: "x".repeat(facts_bytes),
        });
        let decided = |decision: Decision| DecidedEvent {
            org: "acme".parse().unwrap(),
            trigger: TriggerId::new(),
            automation: AutomationId::new(),
            event: Arc::clone(&event),
            decision,
        };
        let skip = Decision::Skip {
            reason: SkipReason::FilterMismatch,
            detail: None,
        };
        let runs = std::iter::repeat_with(|| decided(Decision::Run)).take(runs);
        runs.chain(std::iter::repeat_with(|| decided(skip.clone())).take(skips))
            .collect()
    }

    fn parts(limits: PartLimits, events: &[DecidedEvent]) -> Vec<usize> {
        let (mut from, mut parts) = (0, Vec::new());
        while from < events.len() {
            let end = limits.part_end(events, from);
            assert!(limits.allow(Size::of(&events[from..end])) || end == from + 1);
            parts.push(end - from);
            from = end;
        }
        parts
    }

    #[test]
    fn facts_count_once_for_skips_and_once_for_each_run() {
        let facts = 100_000;
        let skips = Size::of(&of_triggers(facts, 0, 50));
        assert!((facts..2 * facts).contains(&skips.bytes), "{skips:?}");
        let runs = Size::of(&of_triggers(facts, 50, 0));
        assert!(
            (51 * facts..52 * facts).contains(&runs.bytes),
            "crossing and copies: {runs:?}"
        );
    }

    #[test]
    fn every_part_keeps_to_both_limits_and_has_an_event() {
        let limits = PartLimits {
            events_max: 100,
            bytes_max: 1_000_000,
        };
        assert_eq!(parts(limits, &of_triggers(10, 0, 250)), [100, 100, 50]);
        assert_eq!(parts(limits, &of_triggers(300_000, 5, 0)), [2, 2, 1]);
        assert_eq!(parts(limits, &of_triggers(2_000_000, 2, 0)), [1, 1]);
        assert_eq!(parts(limits, &[]), [] as [usize; 0]);
    }
}
