//! Messages and records of the history, as the API shows them.

use serde_json::{Value, json};

/// A message before it arrives.
#[derive(Clone, Debug)]
pub struct Draft {
    /// System labels and ids.
    pub labels: Vec<String>,
    /// Names and values.
    pub headers: Vec<(String, String)>,
    /// As HTML text.
    pub snippet: String,
    /// `internalDate`; the time of arrival by default.
    pub date_ms: Option<u64>,
    /// The delay of its record.
    pub late_ms: u64,
    /// The payload's parts, bodies included.
    pub parts: Value,
}

impl Default for Draft {
    fn default() -> Self {
        Self::new("Jane Doe <jane@example.com>", "Hello")
    }
}

impl Draft {
    /// A message that is unread, in the inbox, with a text.
    pub fn new(from: &str, subject: &str) -> Self {
        let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        Self {
            labels: vec!["UNREAD".into(), "INBOX".into()],
            headers: vec![
                header("Delivered-To", "me@example.com"),
                header("Received", "by 2002:a05:6f02 with SMTP id x"),
                header("From", from),
                header("To", "me@example.com"),
                header("Subject", subject),
            ],
            snippet: "The first words".into(),
            date_ms: None,
            late_ms: 0,
            parts: json!([
                {"partId": "0", "mimeType": "text/plain", "filename": "", "headers": [],
                 "body": {"size": 6, "data": "U0VDUkVU"}},
            ]),
        }
    }

    /// The same message with other labels.
    pub fn labelled(mut self, labels: &[&str]) -> Self {
        self.labels = labels.iter().map(|&label| label.into()).collect();
        self
    }
}

pub(super) struct Message {
    pub(super) draft: Draft,
    pub(super) thread: String,
    pub(super) date_ms: u64,
    pub(super) history_id: u64,
}

pub(super) struct Record {
    pub(super) id: u64,
    pub(super) visible_ms: u64,
    /// The added messages with their labels at that time.
    pub(super) added: Vec<(String, Vec<String>)>,
}

impl Message {
    /// The position in the order of dates. Ids of one millisecond differ at their end.
    pub(super) fn rank(&self, id: &str) -> u64 {
        let id = u64::from_str_radix(id, 16).unwrap_or(0) / 0x11;
        (self.date_ms << 20) | (id & 0xf_ffff)
    }

    pub(super) fn is_hidden(&self) -> bool {
        has(&self.draft.labels, Some("SPAM")) || has(&self.draft.labels, Some("TRASH"))
    }

    pub(super) fn json(&self, id: &str, full: bool, wanted: &[&str]) -> Value {
        let wanted = |name: &str| {
            full || wanted.is_empty()
                || wanted
                    .iter()
                    .any(|wanted| wanted.eq_ignore_ascii_case(name))
        };
        let headers: Vec<Value> = self
            .draft
            .headers
            .iter()
            .filter(|(name, _)| wanted(name))
            .map(|(name, value)| json!({"name": name, "value": value}))
            .collect();
        let mut payload = json!({"mimeType": "multipart/mixed", "headers": headers});
        if full {
            payload["partId"] = "".into();
            payload["filename"] = "".into();
            payload["body"] = json!({"size": 0});
            payload["parts"] = self.draft.parts.clone();
        }
        json!({
            "id": id,
            "threadId": self.thread,
            "labelIds": self.draft.labels,
            "snippet": self.draft.snippet,
            "payload": payload,
            "sizeEstimate": 2_048,
            "historyId": self.history_id.to_string(),
            "internalDate": self.date_ms.to_string(),
        })
    }
}

impl Record {
    pub(super) fn json(&self, label: Option<&str>) -> Value {
        let messages = || self.added.iter().filter(|(_, labels)| has(labels, label));
        let brief: Vec<Value> = messages()
            .map(|(id, _)| json!({"id": id, "threadId": id}))
            .collect();
        let added: Vec<Value> = messages()
            .map(|(id, labels)| json!({"message": {"id": id, "threadId": id, "labelIds": labels}}))
            .collect();
        json!({"id": self.id.to_string(), "messages": brief, "messagesAdded": added})
    }
}

pub(super) fn has(labels: &[String], label: Option<&str>) -> bool {
    label.is_none_or(|label| labels.iter().any(|other| other == label))
}
