//! What is remembered between polls: a JSON object that the host stores with the
//! events of the page and hands back.
//!
//! ```json
//! {
//!   "v": 1,
//!   "mailbox": "me@example.com",
//!   "since_ms": 1700000000000,
//!   "latest_ms": 1700000123000,
//!   "settled_ms": 1700000003000,
//!   "history": "9007199254740995",
//!   "marks": [{"at_ms": 1700000125000, "history": "9007199254741000", "latest_ms": 1700000123000}],
//!   "recent": [["9007199254740999", "18c0a1b2c3d4e5f6"]],
//!   "scan": {
//!     "source": {"history": {"start": "9007199254740995"}},
//!     "began_ms": 1700000125000, "end": "9007199254741000", "next": {"token": "0123"}
//!   },
//!   "pending": [["9007199254741000", "18c0a1b2c3d4e5f7"]],
//!   "pause_until_us": 1700000180000000,
//!   "spent": {"units": {"1700000125": 23}, "used_up": true}
//! }
//! ```
//!
//! | field | |
//! |---|---|
//! | `v` | the format's version; any other is an invalid cursor |
//! | `mailbox` | whose it is; with another mailbox everything else is void |
//! | `since_ms` | when the mailbox was first polled: what arrived before is nobody's business |
//! | `latest_ms` | the newest `internalDate` seen, never later than the poll that saw it |
//! | `settled_ms` | what `latest_ms` was when `history` was reached: where a resync begins, less an overlap |
//! | `history` | everything up to this id has been handed over: where the next scan starts |
//! | `marks` | when scans of the last minutes began, and how far the history reached |
//! | `recent` | messages handed over that lie beyond `history`, with their records |
//! | `scan` | the scan under way: its source, when it began and how far the history reached then, and which page comes next |
//! | `pending` | messages of the page last read that are still to be fetched, oldest first |
//! | `pause_until_us` | until when the service wants to be left alone |
//! | `spent` | quota spent in the last minute, by the second, and whether it was used up; missing in older cursors: nothing |
//!
//! **A position within a page** is the list `pending`: a page of ids is read once,
//! whatever the limit of events. The next page is read when the list is empty, by
//! the token in `scan`. A scan ends when there is neither.
//!
//! **Records may appear late.** Gmail's history is served by replicas, so a record
//! may show up after one with a higher id has. `history` therefore follows
//! [`OVERLAP_MS`] behind: it moves to where the history stood when a scan began, once
//! another scan that began so much later has read all of it again. That costs nothing
//! extra as long as it fits on the same page, and `recent` tells which of the messages
//! are done.
//!
//! Messages that are older than that anyway need no second scan: records are written
//! in the order of arrival, so a scan that began [`OVERLAP_MS`] after a message arrived
//! has read everything up to its record, and `history` follows at once. (Imported mail
//! may carry an old date; one from before `settled_ms` proves nothing.) And a scan ends
//! where the history stood when it began: what comes meanwhile is the next one's.
//!
//! **A resync must not begin too late.** Messages beyond `history` need not be handed
//! over yet, though newer ones are: a scan of many pages goes on for hours if the
//! service fails in between. All that is unsettled arrived after the scan began whose
//! end `history` is, so a resync begins there (`settled_ms`), and not at the newest
//! message that was ever seen.
//!
//! **It is bounded**: `pending` by a page ([`crate::api::PAGE_SIZE`] records),
//! `recent` by [`RECENT_MAX`], `marks` by their distance, `spent` by a minute's seconds.
//! Where more than that many messages arrive within the overlap, `history` follows the
//! oldest of the last [`RECENT_MAX`] instead.

mod history_id;
mod spent;

pub use history_id::HistoryId;
pub use spent::Spent;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeSet, VecDeque};
use triggerhouse_sdk::prelude::*;

/// The format that this version writes and reads.
const VERSION: u64 = 1;
/// How late a record of the history may appear, in milliseconds: five minutes.
pub const OVERLAP_MS: u64 = 5 * 60 * 1_000;
/// Marks are at least this far apart, so there are at most ten and a few.
const MARK_DISTANCE_MS: u64 = OVERLAP_MS / 10;
/// Messages that are remembered as handed over.
pub const RECENT_MAX: usize = 500;

/// Where polling of one mailbox stands. See the module for its fields.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Cursor {
    pub v: u64,
    pub mailbox: String,
    pub since_ms: u64,
    pub latest_ms: u64,
    pub settled_ms: u64,
    pub history: HistoryId,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub marks: Vec<Mark>,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub recent: BTreeSet<(HistoryId, String)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scan: Option<Scan>,
    #[serde(default, skip_serializing_if = "VecDeque::is_empty")]
    pub pending: VecDeque<(HistoryId, String)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pause_until_us: Option<u64>,
    #[serde(default, skip_serializing_if = "Spent::is_empty")]
    pub spent: Spent,
}

/// What a scan has read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mark {
    /// When it began.
    pub at_ms: u64,
    /// How far the history reached then.
    pub history: HistoryId,
    /// The newest message that was seen, but none from after it began.
    pub latest_ms: u64,
}

/// A scan under way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scan {
    /// What is read.
    pub source: Source,
    /// The only label asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// When the first page was read.
    pub began_ms: u64,
    /// Where the history stood before that.
    pub end: HistoryId,
    /// The page after the one that `pending` came from.
    pub next: Next,
}

/// What a scan reads. Page tokens belong to one source and its values.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Source {
    /// `users.history.list` after this id.
    History {
        /// Usually the cursor's `history`, which may move on meanwhile.
        start: HistoryId,
    },
    /// A resync: `users.messages.list` after this second.
    Messages {
        /// Seconds since 1970.
        after_s: u64,
        /// Whether spam and trash are read as well.
        spam_and_trash: bool,
    },
}

/// Which page comes next.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Next {
    /// The first.
    First,
    /// The one with this token.
    Token(String),
    /// None of this scan, whose end is reached; but more is waiting for another.
    Scan,
    /// None.
    None,
}

impl Cursor {
    /// Where the first poll of a mailbox leaves off: nothing that is there already
    /// is new.
    pub fn first(mailbox: String, history: HistoryId, now_us: u64) -> Self {
        let now_ms = now_us / 1_000;
        Self {
            v: VERSION,
            mailbox,
            since_ms: now_ms,
            latest_ms: now_ms,
            settled_ms: now_ms,
            history,
            marks: Vec::new(),
            recent: BTreeSet::new(),
            scan: None,
            pending: VecDeque::new(),
            pause_until_us: None,
            spent: Spent::default(),
        }
    }

    /// Reads what [`Self::write`] wrote.
    ///
    /// # Errors
    /// [`PollError::InvalidCursor`], if it is of another version or none.
    pub fn read(json: &str) -> Result<Self, PollError> {
        let invalid = |text: String| PollError::InvalidCursor(shorten(&text, 300));
        let value: Value = serde_json::from_str(json)
            .map_err(|error| invalid(format!("cursor: no JSON: {error}")))?;
        match value.get("v").and_then(Value::as_u64) {
            Some(VERSION) => {
                serde_json::from_value(value).map_err(|error| invalid(format!("cursor: {error}")))
            }
            Some(version) => Err(invalid(format!(
                "cursor: version {version}; this provider knows {VERSION}"
            ))),
            None => Err(invalid("cursor: without a version".into())),
        }
    }

    /// The cursor as the host stores it.
    pub fn write(&self) -> String {
        triggerhouse_sdk::facts(self)
    }

    /// Whether a message is done, or about to be.
    pub fn knows(&self, id: &str) -> bool {
        let has = |(_, known): &(HistoryId, String)| known == id;
        self.recent.iter().any(has) || self.pending.iter().any(has)
    }

    /// The first of `pending` is done: handed over, or gone from the mailbox.
    /// `date_ms` is when it arrived, if it is known.
    pub fn handled(&mut self, date_ms: Option<u64>) {
        let Some(entry) = self.pending.pop_front() else {
            return;
        };
        let Some(Scan {
            source: Source::History { .. },
            began_ms,
            ..
        }) = self.scan
        else {
            // A resync ends where the history stood before it began. What it finds
            // has no record whose id would be known.
            return;
        };
        let record = entry.0;
        self.recent.insert(entry);
        let is_old = |date_ms: &u64| {
            *date_ms >= self.settled_ms && date_ms.saturating_add(OVERLAP_MS) <= began_ms
        };
        if let Some(date_ms) = date_ms.filter(is_old) {
            self.follow(record, date_ms);
        }
        while self.recent.len() > RECENT_MAX {
            let Some((record, _)) = self.recent.pop_first() else {
                return;
            };
            self.follow(record, self.settled_ms);
        }
    }

    /// `history` moves to a record, unless more of its messages are pending: one
    /// record may add several.
    fn follow(&mut self, record: HistoryId, date_ms: u64) {
        if self.pending.iter().all(|(pending, _)| *pending > record) {
            self.settle(record, date_ms);
        }
    }

    /// The scan has read everything: moves on to what is settled by that.
    pub fn close_scan(&mut self) {
        let Some(scan) = self.scan.take() else {
            return;
        };
        let began_ms = scan.began_ms;
        let mark = Mark {
            at_ms: began_ms,
            history: scan.end,
            latest_ms: self.latest_ms.min(began_ms),
        };
        match scan.source {
            Source::History { .. } => {
                // What was late when that scan began was there when this one did.
                let settled = |mark: &&Mark| mark.at_ms.saturating_add(OVERLAP_MS) <= began_ms;
                if let Some(mark) = self.marks.iter().rev().find(settled).cloned() {
                    self.settle(mark.history, mark.latest_ms);
                }
                self.mark(mark);
            }
            Source::Messages { .. } => {
                // Nothing older is known to the history any more.
                self.marks.clear();
                self.recent.clear();
                self.settle(mark.history, mark.latest_ms);
            }
        }
    }

    fn settle(&mut self, history: HistoryId, latest_ms: u64) {
        let history = self.history.max(history);
        self.history = history;
        self.settled_ms = self.settled_ms.max(latest_ms);
        self.marks.retain(|mark| mark.history > history);
        self.recent.retain(|(record, _)| *record > history);
    }

    fn mark(&mut self, new: Mark) {
        // A clock that was set back must not stop `history` for long.
        for mark in &mut self.marks {
            mark.at_ms = mark.at_ms.min(new.at_ms);
        }
        let news = self.marks.last().is_none_or(|last| {
            let distance_ms = new.at_ms.saturating_sub(last.at_ms);
            last.history < new.history && distance_ms >= MARK_DISTANCE_MS
        });
        if news && new.history > self.history {
            self.marks.push(new);
        }
    }
}

#[cfg(test)]
mod tests;
