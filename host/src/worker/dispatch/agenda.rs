//! The sinks that a dispatcher looks at next.
//!
//! Owns: which sinks are ready, because a message of theirs was signalled, found or became
//! due, and in which order they have their turn.
//! Never does: I/O.

use crate::domain::{OrgId, SinkId, Timestamp};
use crate::store::EnabledSink;
use std::collections::{BTreeSet, HashMap};
use std::ops::Bound;
use uuid::Uuid;

/// The most times that are remembered. Later ones are found by the look at all sinks.
const LATER_MAX: usize = 100_000;

/// See the module.
#[derive(Debug)]
pub(super) struct Agenda {
    of_org: HashMap<OrgId, SinkId>,
    ready: BTreeSet<SinkId>,
    later: BTreeSet<(Timestamp, SinkId)>,
    /// The sink that was served last. The next one is served before it.
    last: SinkId,
}

impl Default for Agenda {
    fn default() -> Self {
        Self {
            of_org: HashMap::new(),
            ready: BTreeSet::new(),
            later: BTreeSet::new(),
            last: SinkId(Uuid::nil()),
        }
    }
}

impl Agenda {
    /// Learns the sinks that are switched on. Returns the organizations whose sink may be
    /// sent to at `now`.
    pub(super) fn learn(&mut self, sinks: Vec<EnabledSink>, now: Timestamp) -> Vec<OrgId> {
        self.of_org.clear();
        let mut open = Vec::new();
        for sink in sinks {
            match sink.open_until.filter(|until| *until > now) {
                Some(until) => self.note(until, sink.id),
                None => open.push(sink.org.clone()),
            }
            self.of_org.insert(sink.org, sink.id);
        }
        open
    }

    /// The organizations have due messages. Those without a sink are left to consumers.
    pub(super) fn due<'a>(&mut self, orgs: impl IntoIterator<Item = &'a OrgId>) {
        let sinks = orgs.into_iter().filter_map(|org| self.of_org.get(org));
        self.ready.extend(sinks);
    }

    /// A message of a sink is due at `at`, or its circuit may be tried then.
    pub(super) fn note(&mut self, at: Timestamp, sink: SinkId) {
        if self.later.len() < LATER_MAX {
            self.later.insert((at, sink));
        }
    }

    /// Makes the sinks ready whose time has come.
    pub(super) fn advance(&mut self, now: Timestamp) {
        while let Some((at, sink)) = self.later.first().copied()
            && at <= now
        {
            self.later.pop_first();
            self.ready.insert(sink);
        }
    }

    /// The time at which the next sink becomes ready.
    pub(super) fn next(&self) -> Option<Timestamp> {
        self.later.first().map(|(at, _)| *at)
    }

    /// The ready sinks, in the order of their turns.
    pub(super) fn turns(&self) -> Vec<SinkId> {
        let after = (Bound::Excluded(self.last), Bound::Unbounded);
        let rest = self.ready.range(..=self.last);
        self.ready.range(after).chain(rest).copied().collect()
    }

    /// A sink has its turn.
    pub(super) fn served(&mut self, sink: SinkId) {
        self.last = sink;
    }

    /// A sink has no more due messages, or may not be sent to.
    pub(super) fn done(&mut self, sink: SinkId) {
        self.ready.remove(&sink);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const NOW: Timestamp = Timestamp(1_800_000_000_000_000);
    const SECOND: Duration = Duration::from_secs(1);

    fn org(number: usize) -> OrgId {
        format!("org-{number}").parse().unwrap()
    }

    /// An agenda with sinks of `count` organizations, none of which is ready.
    fn with_sinks(count: usize) -> (Agenda, Vec<SinkId>) {
        let sinks: Vec<EnabledSink> = (0..count)
            .map(|number| EnabledSink {
                id: SinkId::new(),
                org: org(number),
                open_until: None,
            })
            .collect();
        let ids = sinks.iter().map(|sink| sink.id).collect();
        let mut agenda = Agenda::default();
        assert_eq!(agenda.learn(sinks, NOW).len(), count);
        assert!(agenda.turns().is_empty());
        (agenda, ids)
    }

    #[test]
    fn each_ready_sink_has_its_turn() {
        let (mut agenda, sinks) = with_sinks(3);
        agenda.due(&[org(2), org(0), org(1), org(7)]);
        assert_eq!(agenda.turns(), sinks);
        agenda.served(sinks[0]);
        assert_eq!(agenda.turns(), [sinks[1], sinks[2], sinks[0]]);
        agenda.done(sinks[1]);
        assert_eq!(agenda.turns(), [sinks[2], sinks[0]]);
    }

    #[test]
    fn a_retry_and_an_open_circuit_make_their_sink_ready_in_time() {
        let (mut agenda, sinks) = with_sinks(1);
        agenda.note(NOW + SECOND, sinks[0]);
        agenda.advance(NOW);
        assert_eq!(
            (agenda.turns(), agenda.next()),
            (vec![], Some(NOW + SECOND))
        );
        agenda.advance(NOW + SECOND);
        assert_eq!((agenda.turns(), agenda.next()), (sinks.clone(), None));
        agenda.done(sinks[0]);
        let paused = EnabledSink {
            id: sinks[0],
            org: org(0),
            open_until: Some(NOW + 2 * SECOND),
        };
        assert!(agenda.learn(vec![paused], NOW).is_empty());
        agenda.advance(NOW + 2 * SECOND);
        assert_eq!(agenda.turns(), sinks);
    }
}
