//! The state between polls: a JSON object that the host stores with the events of the page and
//! passes to the next poll.
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
//! | `v` | the version of the format; any other version is an invalid cursor |
//! | `mailbox` | the mailbox's address; for another mailbox all other fields are void |
//! | `since_ms` | the time of the first poll; earlier messages never become events |
//! | `latest_ms` | the newest `internalDate` seen, never later than the poll that saw it |
//! | `settled_ms` | `latest_ms` when `history` was reached: a resync begins there, less an overlap |
//! | `history` | everything up to this id is delivered: the next scan starts here |
//! | `marks` | the times when scans of the last minutes began, and the end of the history then |
//! | `recent` | delivered messages beyond `history`, with their records |
//! | `scan` | the scan under way: its source, its start, the end of the history then, the next page |
//! | `pending` | messages of the current page that are still to be fetched, oldest first |
//! | `pause_until_us` | the end of the pause that the service asked for |
//! | `spent` | the quota spent in the last minute, by second, and if it was used up; older cursors lack it |
//!
//! **The position within a page** is the list `pending`: a page of ids is read once, even if
//! a poll returns fewer events. When the list is empty, the token in `scan` reads the next page. A scan
//! ends without pending messages and without a token.
//!
//! **Records may appear late.** Replicas serve Gmail's history, so a record may appear after one
//! with a higher id. `history` therefore lags [`OVERLAP_MS`] behind: it moves to the end of the
//! history at the start of a scan, once a scan that began [`OVERLAP_MS`] later has read all of
//! it again. The second reading costs nothing extra while it fits on the same page, and `recent`
//! tells which messages are done.
//!
//! Older messages need no second scan. Records are written in the order of arrival, so a scan
//! that began [`OVERLAP_MS`] after a message arrived has read everything up to its record, and
//! `history` follows at once. (Imported mail may have an old date; a date before `settled_ms`
//! proves nothing.) A scan ends at the end of the history when it began; later records belong to
//! the next scan.
//!
//! **A resync must not begin too late.** Messages beyond `history` may be undelivered although
//! newer ones are delivered: a scan of many pages takes hours if the service fails in between.
//! Everything unsettled arrived after the scan began whose end is `history`. So a resync begins
//! there (`settled_ms`), and not at the newest message seen.
//!
//! **The cursor is bounded**: `pending` by a page ([`crate::api::PAGE_SIZE`] records), `recent`
//! by [`RECENT_MAX`], `marks` by their distance, `spent` by the seconds of a minute. If more than
//! [`RECENT_MAX`] messages arrive within the overlap, `history` follows the oldest of the last
//! [`RECENT_MAX`] instead.

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
/// The delay with which a record of the history may appear, in milliseconds: five minutes.
pub const OVERLAP_MS: u64 = 5 * 60 * 1_000;
/// The minimum distance of marks, which limits them to a few more than ten.
const MARK_DISTANCE_MS: u64 = OVERLAP_MS / 10;
/// Messages remembered as delivered.
pub const RECENT_MAX: usize = 500;

/// The state of polling one mailbox. The module documents the fields.
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

/// A finished scan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mark {
    /// The time it began.
    pub at_ms: u64,
    /// The end of the history then.
    pub history: HistoryId,
    /// The newest message seen, but none from after the scan began.
    pub latest_ms: u64,
}

/// A scan under way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scan {
    /// The list that the scan reads.
    pub source: Source,
    /// The only label in the scan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// The time the first page was read.
    pub began_ms: u64,
    /// The end of the history before that.
    pub end: HistoryId,
    /// The page after the one in `pending`.
    pub next: Next,
}

/// The list that a scan reads. Page tokens belong to one source and its values.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Source {
    /// `users.history.list` after this id.
    History {
        /// Usually the cursor's `history`, which may advance during the scan.
        start: HistoryId,
    },
    /// A resync: `users.messages.list` after this second.
    Messages {
        /// Seconds since 1970.
        after_s: u64,
        /// True to read spam and trash too.
        spam_and_trash: bool,
    },
}

/// The next page of a scan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Next {
    /// The first page.
    First,
    /// The page with this token.
    Token(String),
    /// None, because the scan reached its end; another scan has more to read.
    Scan,
    /// None; the list is exhausted.
    None,
}

impl Cursor {
    /// The cursor after the first poll of a mailbox. Messages that are already there are not
    /// new.
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

    /// Reads the JSON of [`Self::write`].
    ///
    /// # Errors
    /// [`PollError::InvalidCursor`] for another version or any other text.
    pub fn read(json: &str) -> Result<Self, PollError> {
        let invalid = |text: String| PollError::InvalidCursor(shorten(&text, 300));
        let value: Value = serde_json::from_str(json)
            .map_err(|error| invalid(format!("cursor: not JSON: {error}")))?;
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

    /// True for a message that is delivered or pending.
    pub fn knows(&self, id: &str) -> bool {
        let has = |(_, known): &(HistoryId, String)| known == id;
        self.recent.iter().any(has) || self.pending.iter().any(has)
    }

    /// Completes the first of `pending`, which is delivered or gone from the mailbox.
    /// `date_ms` is the time it arrived, if known.
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
            // A resync ends at the end of the history before it began. Its messages have no
            // known record.
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

    /// Moves `history` to a record, unless more of its messages are pending: one record can
    /// add several.
    fn follow(&mut self, record: HistoryId, date_ms: u64) {
        if self.pending.iter().all(|(pending, _)| *pending > record) {
            self.settle(record, date_ms);
        }
    }

    /// Ends a scan that has read everything, and settles the history that this proves complete.
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
                // Records that were late for that scan were there when this one began.
                let settled = |mark: &&Mark| mark.at_ms.saturating_add(OVERLAP_MS) <= began_ms;
                if let Some(mark) = self.marks.iter().rev().find(settled).cloned() {
                    self.settle(mark.history, mark.latest_ms);
                }
                self.mark(mark);
            }
            Source::Messages { .. } => {
                // The history no longer contains anything older.
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
        // A clock that was set back must not block `history` for long.
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
