//! Answers of the API. Values that decide where the next scan begins are read strictly.

use super::Failure;
use crate::cursor::HistoryId;
use serde_json::Value;
use triggerhouse_sdk::prelude::*;

/// Bytes of an id. Ids have 16 hexadecimal digits. They become parts of URLs, so only letters,
/// digits, `-` and `_` are accepted.
const ID_BYTES_MAX: usize = 64;
/// Bytes of a page token. Tokens are short numbers, and the cursor carries one.
const TOKEN_BYTES_MAX: usize = 4_096;

/// The answer of `users.getProfile`.
#[derive(Clone, Debug, PartialEq)]
pub struct Profile {
    /// `emailAddress`, in lower case.
    pub mailbox: String,
    /// `historyId`: the current end of the history.
    pub history: HistoryId,
}

/// The answer of `users.history.list`.
#[derive(Clone, Debug, PartialEq)]
pub struct HistoryPage {
    /// In the order of the history. A message may appear more than once.
    pub added: Vec<Added>,
    /// `nextPageToken`.
    pub next: Option<String>,
    /// `historyId`: the current end of the history.
    pub history: HistoryId,
}

/// A message that was added to the mailbox.
#[derive(Clone, Debug, PartialEq)]
pub struct Added {
    /// The id of its record in the history.
    pub history: HistoryId,
    /// The message's id.
    pub id: String,
    /// Its labels, if the record has them.
    pub labels: Vec<String>,
}

/// The answer of `users.messages.list`.
#[derive(Clone, Debug, PartialEq)]
pub struct MessagesPage {
    /// The messages' ids, newest first.
    pub ids: Vec<String>,
    /// `nextPageToken`.
    pub next: Option<String>,
}

/// A label in the answer of `users.labels.list`.
#[derive(Clone, Debug, PartialEq)]
pub struct Label {
    /// `INBOX`, `Label_17`.
    pub id: String,
    /// The name that people read.
    pub name: String,
}

impl From<ReadError> for Failure {
    fn from(error: ReadError) -> Self {
        Self::Other(format!("unexpected answer: {error}"))
    }
}

impl Profile {
    pub(super) fn read(value: &Value) -> Result<Self, Failure> {
        let payload = Payload::new(value);
        let mailbox = payload.text("/emailAddress")?.trim().to_lowercase();
        if mailbox.is_empty() {
            return Err(unexpected("/emailAddress", "an address"));
        }
        Ok(Self {
            mailbox,
            history: history(&payload, "/historyId")?,
        })
    }
}

impl HistoryPage {
    pub(super) fn read(value: &Value) -> Result<Self, Failure> {
        let payload = Payload::new(value);
        let mut added = Vec::new();
        // Missing if nothing changed. An empty page may still have a successor.
        for record in payload.items("/history")? {
            let history = history(&record, "/id")?;
            for message in record.items("/messagesAdded")? {
                added.push(Added {
                    history,
                    id: id(&message, "/message/id")?,
                    labels: message.texts("/message/labelIds", "")?,
                });
            }
        }
        Ok(Self {
            added,
            next: token(&payload)?,
            history: history(&payload, "/historyId")?,
        })
    }
}

impl MessagesPage {
    pub(super) fn read(value: &Value) -> Result<Self, Failure> {
        let payload = Payload::new(value);
        let messages = payload.items("/messages")?;
        Ok(Self {
            ids: messages
                .iter()
                .map(|message| id(message, "/id"))
                .collect::<Result<_, _>>()?,
            next: token(&payload)?,
        })
    }
}

pub(super) fn labels(value: &Value) -> Result<Vec<Label>, Failure> {
    let payload = Payload::new(value);
    let label = |label: &Payload<'_>| {
        Ok(Label {
            id: label.short_text("/id")?,
            name: label.short_text("/name")?,
        })
    };
    payload.items("/labels")?.iter().map(label).collect()
}

/// A uint64, which JSON carries in a string.
fn history(payload: &Payload<'_>, pointer: &str) -> Result<HistoryId, Failure> {
    let text = payload.id(pointer)?;
    text.parse()
        .map_err(|_| unexpected(pointer, "a history id"))
}

fn id(payload: &Payload<'_>, pointer: &str) -> Result<String, Failure> {
    let id = payload.text(pointer)?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if id.is_empty() || id.len() > ID_BYTES_MAX || !id.bytes().all(plain) {
        return Err(unexpected(pointer, "a message id"));
    }
    Ok(id.to_owned())
}

fn token(payload: &Payload<'_>) -> Result<Option<String>, Failure> {
    let token = payload.text_opt("/nextPageToken")?;
    match token.filter(|token| !token.is_empty()) {
        Some(token) if token.len() > TOKEN_BYTES_MAX => {
            Err(unexpected("/nextPageToken", "a page token"))
        }
        token => Ok(token.map(str::to_owned)),
    }
}

fn unexpected(pointer: &str, expected: &str) -> Failure {
    Failure::Other(format!("unexpected answer: {pointer}: expected {expected}"))
}
