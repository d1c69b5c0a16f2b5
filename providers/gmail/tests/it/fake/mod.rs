//! A mailbox that answers like the Gmail API: requests in, status, headers and body
//! out, without a network. Needs nothing but `std` and `serde_json`, so it can be
//! included by path elsewhere and be served over HTTP.
//!
//! # True to the real one
//! Paths, parameters, defaults, maxima and the shape of answers follow the discovery
//! document `gmail:v1` (methods `users.getProfile`, `users.history.list`,
//! `users.messages.list`, `users.messages.get`, `users.labels.list`):
//!
//! - history ids are uint64 in strings, grow "chronologically but are not contiguous
//!   with random gaps", and lie beyond 2^53 here, so that a float would be noticed;
//! - a `startHistoryId` that is out of date is answered with 404;
//! - `history`, `messages` and `nextPageToken` are missing where they would be empty;
//! - `historyId` of a message is that of the last record that changed it;
//! - `maxResults` is 100 by default and 500 at most; `includeSpamTrash` is off;
//! - errors are `{"error": {"code", "message", "status", "errors": [{"domain",
//!   "message", "reason"}]}}`; quotas are 403 with `rateLimitExceeded`, or 429;
//! - `fields` selects parts of an answer;
//! - a quota of units per minute is enforced if a test sets one.
//!
//! # Where the document is silent
//! - A page token belongs to the request it was given for; with other parameters it
//!   is refused with 400. It stands for a place in the order, not for an offset.
//! - `labelId` of the history compares with the labels that the message had when its
//!   record was written.
//! - `q=after:` is exclusive, by the second, and compares with `internalDate`.
//! - A record may be late: the message is there at once, its record only later,
//!   although the mailbox's `historyId` is beyond it already. The order of the list
//!   of messages is strict.
//! - A request counts towards the quota whether it fails or not, unless the quota is why.
//!
//! Other parameters and methods are refused, loudly.

// Who includes it need not use all of it.
#![allow(dead_code)]

mod answer;
mod fields;
mod message;
mod methods;
mod query;
mod quota;

pub use answer::{Answer, Fault};
pub use message::Draft;

use message::{Message, Record};
use query::Query;
use quota::Minute;
use std::collections::{BTreeMap, VecDeque};

/// Beyond what a 64-bit float tells apart from its neighbours.
const FIRST_HISTORY_ID: u64 = (1 << 53) + 1;

/// A mailbox and whatever is wrong with it.
pub struct Gmail {
    /// `emailAddress` of the profile.
    pub address: String,
    /// The time of Google's clock, in milliseconds since 1970.
    pub now_ms: u64,
    /// What was asked for so far.
    pub calls: Calls,
    /// Method and target of each request, in order.
    pub log: Vec<String>,
    /// The only token that is accepted, if any is asked for.
    pub token: Option<String>,
    /// Whether the history has an empty page before each other, as it may.
    pub empty_pages: bool,
    /// What becomes of the next requests; `None` is an answer as usual.
    pub faults: VecDeque<Option<Fault>>,
    /// Units that any 60 seconds may have; beyond that, requests are refused with 403
    /// or 429. Off by default.
    pub units_per_minute: Option<u64>,
    /// Labels of one's own: id and name.
    pub labels: Vec<(String, String)>,
    messages: BTreeMap<String, Message>,
    records: Vec<Record>,
    history_id: u64,
    oldest_history_id: u64,
    next_message: u64,
    minute: Minute,
}

/// Requests that were answered, by method, and what they cost a project of today.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Calls {
    /// `users.getProfile`: 1 unit.
    pub profile: u64,
    /// `users.history.list`: 2 units.
    pub history: u64,
    /// `users.messages.list`: 5 units.
    pub list: u64,
    /// `users.messages.get`: 20 units.
    pub get: u64,
    /// `users.labels.list`: 1 unit.
    pub labels: u64,
    /// Requests that met a fault.
    pub failed: u64,
    /// Requests beyond the quota.
    pub refused: u64,
}

impl Calls {
    /// Units of quota.
    pub fn units(&self) -> u64 {
        self.profile + 2 * self.history + 5 * self.list + 20 * self.get + self.labels
    }
}

impl Gmail {
    /// An empty mailbox.
    pub fn new(address: &str, now_ms: u64) -> Self {
        Self {
            address: address.into(),
            now_ms,
            calls: Calls::default(),
            log: Vec::new(),
            token: None,
            empty_pages: false,
            faults: VecDeque::new(),
            units_per_minute: None,
            labels: Vec::new(),
            messages: BTreeMap::new(),
            records: Vec::new(),
            history_id: FIRST_HISTORY_ID,
            oldest_history_id: 0,
            next_message: 0x18c0_0000_0000_0000,
            minute: Minute::default(),
        }
    }

    /// A message arrives. Returns its id.
    pub fn receive(&mut self, draft: Draft) -> String {
        self.receive_all([draft]).remove(0)
    }

    /// Messages arrive in one record.
    pub fn receive_all(&mut self, drafts: impl IntoIterator<Item = Draft>) -> Vec<String> {
        let history_id = self.advance();
        let (mut ids, mut added, mut late_ms) = (Vec::new(), Vec::new(), 0);
        for draft in drafts {
            self.next_message += 0x11;
            let id = format!("{:x}", self.next_message);
            late_ms = late_ms.max(draft.late_ms);
            added.push((id.clone(), draft.labels.clone()));
            let message = Message {
                thread: id.clone(),
                date_ms: draft.date_ms.unwrap_or(self.now_ms),
                history_id,
                draft,
            };
            self.messages.insert(id.clone(), message);
            ids.push(id);
        }
        self.record(history_id, late_ms, added);
        ids
    }

    /// The history says once more that a message was added.
    pub fn repeat(&mut self, id: &str) {
        if let Some(message) = self.messages.get(id) {
            let labels = message.draft.labels.clone();
            let history_id = self.advance();
            self.record(
                history_id,
                0,
                vec![(id.into(), labels.clone()), (id.into(), labels)],
            );
        }
    }

    /// Somebody gives and takes labels.
    pub fn relabel(&mut self, id: &str, add: &[&str], remove: &[&str]) {
        let history_id = self.advance();
        if let Some(message) = self.messages.get_mut(id) {
            let labels = &mut message.draft.labels;
            labels.retain(|label| !remove.contains(&label.as_str()));
            labels.extend(add.iter().map(|&label| label.to_owned()));
            message.history_id = history_id;
        }
        self.record(history_id, 0, Vec::new());
    }

    /// A message is deleted for good. What the history says of its arrival stays.
    pub fn delete(&mut self, id: &str) {
        self.messages.remove(id);
        let history_id = self.advance();
        self.record(history_id, 0, Vec::new());
    }

    /// Whether a message is still there.
    pub fn has(&self, id: &str) -> bool {
        self.messages.contains_key(id)
    }

    /// Forgets the history up to now: older ids are answered with 404.
    pub fn expire_history(&mut self) {
        self.advance();
        self.oldest_history_id = self.history_id;
        self.records.retain(|record| record.id > self.history_id);
    }

    /// The mailbox's history id.
    pub fn history_id(&self) -> u64 {
        self.history_id
    }

    /// With gaps, like the real ones.
    fn advance(&mut self) -> u64 {
        self.history_id += 1 + self.history_id % 7;
        self.history_id
    }

    fn record(&mut self, id: u64, late_ms: u64, added: Vec<(String, Vec<String>)>) {
        self.records.push(Record {
            id,
            visible_ms: self.now_ms + late_ms,
            added,
        });
    }

    /// Answers one request. `target` is path and query.
    pub fn answer(&mut self, method: &str, target: &str, headers: &[(String, String)]) -> Answer {
        self.log.push(format!("{method} {target}"));
        if let Some(limit) = self.units_per_minute
            && let Err(answer) = self.minute.charge(target, limit, self.now_ms)
        {
            self.calls.refused += 1;
            return answer;
        }
        if let Some(Some(fault)) = self.faults.pop_front() {
            self.calls.failed += 1;
            return fault.answer();
        }
        if let Some(token) = &self.token {
            let expected = format!("Bearer {token}");
            let authorized = |(name, value): &(String, String)| {
                name.eq_ignore_ascii_case("authorization") && *value == expected
            };
            if !headers.iter().any(authorized) {
                self.calls.failed += 1;
                return Fault::Unauthorized.answer();
            }
        }
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let query = Query::parse(query);
        let Some(resource) = path.strip_prefix("/gmail/v1/users/me/") else {
            return Answer::error(404, "notFound", "Not Found");
        };
        if method != "GET" {
            return Answer::error(405, "methodNotAllowed", "Method Not Allowed");
        }
        let result = match resource.split_once('/') {
            None if resource == "profile" => self.profile(),
            None if resource == "history" => self.history(&query),
            None if resource == "messages" => self.list(&query),
            None if resource == "labels" => self.list_labels(),
            Some(("messages", id)) => self.get(id, &query),
            _ => Err(Answer::error(404, "notFound", "Not Found")),
        };
        match result {
            Ok(value) => Answer::json(200, &fields::select(value, query.one("fields"))),
            Err(answer) => answer,
        }
    }
}
