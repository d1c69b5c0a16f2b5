//! The five methods of the Gmail API that polling needs, as the discovery document `gmail:v1`
//! describes them: `users.getProfile`, `users.history.list`, `users.messages.list`,
//! `users.messages.get`, `users.labels.list`.

mod answer;
mod failure;
mod http;
mod quota;

pub use answer::{Added, HistoryPage, Label, MessagesPage, Profile};
pub use failure::Failure;
#[cfg(target_family = "wasm")]
pub use http::Host;
pub use http::Http;
pub use quota::{CALL_UNITS_MIN, LABELS_UNITS, MESSAGE_UNITS, Quota};

use crate::cursor::HistoryId;
use form_urlencoded::Serializer;
use quota::{HISTORY_UNITS, MESSAGES_UNITS, PROFILE_UNITS};
use serde_json::Value;
use triggerhouse_sdk::http::{Method, Request};

/// Entries of one page of a list. The cursor may hold the ids of one page, so this also bounds
/// the cursor. The service's maximum is 500.
pub const PAGE_SIZE: u32 = 200;

/// The headers that the facts need.
const HEADERS: &[&str] = &[
    "From",
    "To",
    "Cc",
    "Delivered-To",
    "Subject",
    "Date",
    "Message-ID",
    "List-Id",
];

/// The fields of a message that the facts need.
const FIELDS: &str = "id,threadId,labelIds,snippet,internalDate,sizeEstimate,payload/headers";
/// The fields of a part of a message, without its content.
const PART_FIELDS: &str = "filename,mimeType,headers,body/size";
/// The depth of the search for attachments. They are usually at 1; those of a reply with an inline
/// image within signed mail are at 4.
const PART_DEPTH: usize = 6;

/// The API of one mailbox.
pub struct Api<'a> {
    http: &'a dyn Http,
    root: String,
    now_us: u64,
    quota: Quota,
}

impl<'a> Api<'a> {
    /// An API at `root`, the URL before `/profile`. `now_us` is the time of the poll, and
    /// `quota` pays for every request.
    pub fn new(http: &'a dyn Http, root: String, now_us: u64, quota: Quota) -> Self {
        Self {
            http,
            root,
            now_us,
            quota,
        }
    }

    /// The units spent and left.
    pub fn quota(&self) -> &Quota {
        &self.quota
    }

    /// The mailbox's address and the current end of its history.
    ///
    /// # Errors
    /// See [`Failure`]; the same for all methods.
    pub fn profile(&self) -> Result<Profile, Failure> {
        Profile::read(&self.get(PROFILE_UNITS, "/profile", &[])?)
    }

    /// One page of the messages added after `start`, oldest first.
    ///
    /// # Errors
    /// [`Failure::Gone`] if `start` is too old.
    pub fn history(
        &self,
        start: HistoryId,
        label: Option<&str>,
        token: Option<&str>,
    ) -> Result<HistoryPage, Failure> {
        let (start, size) = (start.to_string(), PAGE_SIZE.to_string());
        let mut query = vec![
            ("startHistoryId", start.as_str()),
            ("historyTypes", "messageAdded"),
            ("maxResults", &size),
        ];
        query.extend(label.map(|label| ("labelId", label)));
        query.extend(token.map(|token| ("pageToken", token)));
        HistoryPage::read(&self.get(HISTORY_UNITS, "/history", &query)?)
    }

    /// One page of the messages that arrived after a second, newest first.
    ///
    /// # Errors
    /// See [`Failure`].
    pub fn messages(
        &self,
        after_s: u64,
        label: Option<&str>,
        spam_and_trash: bool,
        token: Option<&str>,
    ) -> Result<MessagesPage, Failure> {
        let (search, size) = (format!("after:{after_s}"), PAGE_SIZE.to_string());
        let mut query = vec![("q", search.as_str()), ("maxResults", &size)];
        query.extend(label.map(|label| ("labelIds", label)));
        query.extend(spam_and_trash.then_some(("includeSpamTrash", "true")));
        query.extend(token.map(|token| ("pageToken", token)));
        MessagesPage::read(&self.get(MESSAGES_UNITS, "/messages", &query)?)
    }

    /// One message without its body: its headers and, if `parts` is set, the names of its
    /// parts, at the same price.
    ///
    /// # Errors
    /// [`Failure::Gone`] if it was deleted.
    pub fn message(&self, id: &str, parts: bool) -> Result<Value, Failure> {
        let path = format!("/messages/{id}");
        if parts {
            // Only the full format has parts. The service sends the fields named in
            // `fields`, so it sends no bodies.
            let fields = format!("{FIELDS},payload({})", part_fields(PART_DEPTH));
            let query = [("format", "full"), ("fields", fields.as_str())];
            return self.get(MESSAGE_UNITS, &path, &query);
        }
        let mut query = vec![("format", "metadata"), ("fields", FIELDS)];
        query.extend(HEADERS.iter().map(|header| ("metadataHeaders", *header)));
        self.get(MESSAGE_UNITS, &path, &query)
    }

    /// The names of the mailbox's labels.
    ///
    /// # Errors
    /// See [`Failure`].
    pub fn labels(&self) -> Result<Vec<Label>, Failure> {
        answer::labels(&self.get(LABELS_UNITS, "/labels", &[])?)
    }

    fn get(&self, units: u32, path: &str, query: &[(&str, &str)]) -> Result<Value, Failure> {
        self.quota.pay(units)?;
        let mut url = format!("{}{path}", self.root);
        if !query.is_empty() {
            let query = Serializer::new(String::new()).extend_pairs(query).finish();
            url = format!("{url}?{query}");
        }
        let response = self.http.send(Request {
            method: Method::Get,
            url,
            headers: Vec::new(),
            body: None,
        })?;
        if !(200..300).contains(&response.status) {
            return Err(Failure::of(&response, self.now_us));
        }
        match serde_json::from_slice(&response.body) {
            Ok(value @ Value::Object(_)) => Ok(value),
            // Cut off in transit, or a page of a proxy.
            _ => Err(Failure::Unavailable(
                "the answer is not a JSON object".into(),
            )),
        }
    }
}

/// `filename,mimeType,headers,body/size,parts(…)`, nested, because the selector has no
/// recursion.
fn part_fields(depth: usize) -> String {
    match depth {
        0 => PART_FIELDS.into(),
        depth => format!("{PART_FIELDS},parts({})", part_fields(depth - 1)),
    }
}
