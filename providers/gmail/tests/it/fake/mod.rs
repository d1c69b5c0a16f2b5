//! A mailbox that answers like the Gmail API: requests in; status, headers and body out; no
//! network. Needs only `std` and `serde_json`, so that other tests can include it by path and
//! serve it over HTTP.
//!
//! # Faithful to the API
//! Paths, parameters, defaults, maxima and the shape of answers follow the discovery
//! document `gmail:v1` (methods `users.getProfile`, `users.history.list`,
//! `users.messages.list`, `users.messages.get`, `users.labels.list`):
//!
//! - history ids are uint64 in strings, grow "chronologically but are not contiguous
//!   with random gaps", and exceed 2^53 here, so that tests detect a float;
//! - an outdated `startHistoryId` gets a 404;
//! - `history`, `messages` and `nextPageToken` are missing where they would be empty;
//! - the `historyId` of a message is the id of the last record that changed it;
//! - `maxResults` is 100 by default and 500 at most; `includeSpamTrash` is off;
//! - errors are `{"error": {"code", "message", "status", "errors": [{"domain",
//!   "message", "reason"}]}}`; quotas are 403 with `rateLimitExceeded`, or 429;
//! - `fields` selects parts of an answer;
//! - a quota of units per minute is enforced if a test sets one.
//!
//! # Assumptions beyond the document
//! - A page token belongs to its request; with other parameters it gets a 400. It contains a
//!   position in the order, not an offset.
//! - `labelId` of the history compares with the message's labels at the time of the record.
//! - `q=after:` is exclusive, has a resolution of seconds, and compares with `internalDate`.
//! - A record may be late: the message is there at once and its record only later, although
//!   the mailbox's `historyId` is already beyond it. The list of messages has a strict order.
//! - A failed request counts toward the quota, unless the quota is the reason.
//!
//! Other parameters and methods are refused.

// A test that includes it may use a part only.
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

/// A number that a 64-bit float cannot represent.
const FIRST_HISTORY_ID: u64 = (1 << 53) + 1;

/// A mailbox and its faults.
pub struct Gmail {
    /// `emailAddress` of the profile.
    pub address: String,
    /// The time of Google's clock, in milliseconds since 1970.
    pub now_ms: u64,
    /// The requests so far.
    pub calls: Calls,
    /// Method and target of each request, in order.
    pub log: Vec<String>,
    /// The accepted token, if the service requires one.
    pub token: Option<String>,
    /// True if the history has an empty page before each page, which the API allows.
    pub empty_pages: bool,
    /// The faults of the next requests; `None` is a normal answer.
    pub faults: VecDeque<Option<Fault>>,
    /// Units per any 60 seconds. Requests beyond get 403 or 429. Off by default.
    pub units_per_minute: Option<u64>,
    /// The mailbox's own labels: id and name.
    pub labels: Vec<(String, String)>,
    messages: BTreeMap<String, Message>,
    records: Vec<Record>,
    history_id: u64,
    oldest_history_id: u64,
    next_message: u64,
    minute: Minute,
}

/// The number of answered requests by method, with the price for current projects.
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

    /// Adds a message. Returns its id.
    pub fn receive(&mut self, draft: Draft) -> String {
        self.receive_all([draft]).remove(0)
    }

    /// Adds messages in one record.
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

    /// Repeats the record of a message in the history.
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

    /// Adds and removes labels.
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

    /// Deletes a message permanently. The record of its arrival stays.
    pub fn delete(&mut self, id: &str) {
        self.messages.remove(id);
        let history_id = self.advance();
        self.record(history_id, 0, Vec::new());
    }

    /// True for a message that exists.
    pub fn has(&self, id: &str) -> bool {
        self.messages.contains_key(id)
    }

    /// Drops the history up to now: older ids get a 404.
    pub fn expire_history(&mut self) {
        self.advance();
        self.oldest_history_id = self.history_id;
        self.records.retain(|record| record.id > self.history_id);
    }

    /// The mailbox's history id.
    pub fn history_id(&self) -> u64 {
        self.history_id
    }

    /// Advances the history id, with gaps like the real ones.
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
