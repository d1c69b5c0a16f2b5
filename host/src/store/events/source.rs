//! The events of one delivery or one page, drafted whole or in parts.
//!
//! A part may be written twice: its worker died before the last part, and another one begins
//! again. Deduplication stops a second run. A skip has no key that it could hold, so here
//! it gets an id that every attempt computes alike, and the primary key stops the second row.

use super::draft::Draft;
use crate::domain::event::{DecidedEvent, Decision};
use crate::domain::trace::TraceParent;
use crate::domain::{DeliveryId, EventId, Timestamp};
use sha2::{Digest, Sha256};
use std::ops::Range;
use std::sync::Arc;
use uuid::{Builder, Uuid};

/// Computes ids from what an attempt and its repetition have in common.
pub(in crate::store) struct Ids {
    digest: Sha256,
    /// The time in the ids, by which lists are sorted.
    at: Timestamp,
}

impl Ids {
    /// Ids of the rows of `subject`, which is a delivery or a page.
    pub(in crate::store) fn of<'p>(
        at: Timestamp,
        subject: impl IntoIterator<Item = &'p [u8]>,
    ) -> Self {
        let mut ids = Self {
            digest: Sha256::new(),
            at,
        };
        subject.into_iter().for_each(|part| ids.add(part));
        ids
    }

    fn add(&mut self, part: &[u8]) {
        // Digests of equal length: no two lists of parts look alike.
        self.digest.update(Sha256::digest(part));
    }

    /// The id of the row that `event` and `part` name.
    fn id(&self, event: usize, part: &[u8]) -> Uuid {
        let mut row = Self {
            digest: self.digest.clone(),
            at: self.at,
        };
        row.add(&event.to_le_bytes());
        row.add(part);
        let digest = row.digest.finalize();
        let mut random = [0; 10];
        random.copy_from_slice(&digest[..10]);
        let ms = u64::try_from(row.at.0 / 1_000).unwrap_or(0);
        Builder::from_unix_timestamp_millis(ms, &random).into_uuid()
    }
}

/// The events of one delivery or one page.
pub(in crate::store) struct Source<'a> {
    pub(in crate::store) delivery: Option<DeliveryId>,
    /// The claim of the delivery.
    pub(in crate::store) attempt: Option<i32>,
    pub(in crate::store) trace: Option<&'a TraceParent>,
    /// All decisions, event by event.
    pub(in crate::store) events: &'a [DecidedEvent],
    /// The ids of skips, if an attempt before may have written some of them.
    pub(in crate::store) ids: Option<Ids>,
}

impl<'a> Source<'a> {
    /// Drafts of the decisions in `part`. Skips of one event share its facts.
    pub(in crate::store) fn drafts(&self, part: Range<usize>, now: Timestamp) -> Vec<Draft<'a>> {
        let mut drafts = Vec::with_capacity(part.len());
        let mut begin = 0;
        let same_event = |a: &DecidedEvent, b: &DecidedEvent| Arc::ptr_eq(&a.event, &b.event);
        for (number, of_event) in self.events.chunk_by(same_event).enumerate() {
            let end = begin + of_event.len();
            if end <= part.start {
                begin = end;
                continue;
            }
            if begin >= part.end {
                break;
            }
            let skips = of_event.iter().filter(|decided| is_skip(decided));
            let facts_id = (skips.take(2).count() == 2).then(|| self.facts_id(number));
            let here = part.start.max(begin) - begin..part.end.min(end) - begin;
            for decided in &of_event[here] {
                drafts.push(self.draft(number, decided, facts_id, now));
            }
            begin = end;
        }
        drafts
    }

    fn draft(
        &self,
        number: usize,
        decided: &'a DecidedEvent,
        facts_id: Option<Uuid>,
        now: Timestamp,
    ) -> Draft<'a> {
        let draft = Draft {
            attempt: self.attempt,
            ..Draft::new(self.delivery, decided, self.trace, now)
        };
        if !is_skip(decided) {
            return draft;
        }
        let id = self
            .ids
            .as_ref()
            .map(|ids| EventId(ids.id(number, decided.trigger.0.as_bytes())));
        Draft {
            id: id.unwrap_or(draft.id),
            facts_id,
            ..draft
        }
    }

    fn facts_id(&self, number: usize) -> Uuid {
        match &self.ids {
            Some(ids) => ids.id(number, b"facts"),
            None => Uuid::now_v7(),
        }
    }
}

fn is_skip(decided: &DecidedEvent) -> bool {
    matches!(decided.decision, Decision::Skip { .. })
}
