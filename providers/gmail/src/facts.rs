//! The facts of a message: what filters decide on and automations receive. This is a public
//! format, so fields are added and never renamed. Absent, `null` and empty are the same and are
//! not written.

use triggerhouse_sdk::{Bounded, facts};

/// Everything about a message except its body.
#[facts]
pub struct Facts {
    /// The address of the mailbox, in lower case.
    pub mailbox: String,
    /// Gmail's id of the message within the mailbox. It never changes.
    pub id: String,
    /// Gmail's id of the conversation.
    pub thread_id: Option<String>,
    /// `Message-ID`, without its angle brackets. The sender chooses it, so it may be missing
    /// or occur twice.
    pub message_id: Option<String>,
    /// The first address in `From`.
    pub from: Option<Address>,
    pub to: Vec<Address>,
    pub cc: Vec<Address>,
    /// `Delivered-To`. It reveals an alias, and the recipient of a blind copy.
    pub delivered_to: Vec<Address>,
    /// True if a list of recipients is incomplete.
    pub recipients_truncated: bool,
    /// `Subject`, decoded.
    pub subject: Option<String>,
    /// `Date`, as the sender wrote it. The event's time is when Google accepted the message.
    pub date: Option<String>,
    /// The first words of the text.
    pub snippet: Option<String>,
    /// Ids of its labels at the time of the fetch.
    pub labels: Vec<String>,
    /// Names of its own labels, if a configuration uses the name of a label.
    pub label_names: Vec<String>,
    /// The id of the mailing list: the text between `<` and `>` in `List-Id`.
    pub list_id: Option<String>,
    /// True if it has an attachment; absent unless a configuration asks.
    pub has_attachment: Option<bool>,
    /// File names.
    pub attachments: Vec<String>,
    /// Gmail's estimate of the message's size.
    pub size_bytes: Option<i64>,
    /// True if a resync found the message, so the event may be late.
    pub resync: bool,
    /// True if facts were dropped to fit the contract's limit.
    pub reduced: bool,
}

/// A mail address.
#[facts]
pub struct Address {
    /// `Jane Doe`.
    pub name: Option<String>,
    /// `jane@example.com`.
    pub address: String,
}

impl Bounded for Facts {
    const STEPS: &'static [fn(&mut Self)] = &[
        |facts| facts.snippet = None,
        |facts| facts.attachments.clear(),
        |facts| {
            for list in [&mut facts.to, &mut facts.cc, &mut facts.delivered_to] {
                for address in list {
                    address.name = None;
                }
            }
        },
        // About forty short texts remain.
        |facts| {
            facts.recipients_truncated = true;
            for list in [&mut facts.to, &mut facts.cc, &mut facts.delivered_to] {
                list.truncate(5);
            }
            facts.labels.truncate(10);
            facts.label_names.truncate(10);
        },
    ];

    fn mark(&mut self) {
        self.reduced = true;
    }
}

impl Facts {
    /// True if the message has this system label.
    pub fn has_label(&self, label: &str) -> bool {
        self.labels.iter().any(|other| other == label)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use triggerhouse_sdk::limits::{FACTS_BYTES_MAX, LIST_ITEMS_MAX, NAME_BYTES_MAX};

    #[test]
    fn facts_never_exceed_the_limit_and_say_that_some_are_missing() {
        let control = "\u{1}".repeat(NAME_BYTES_MAX);
        let address = Address {
            name: Some(control.clone()),
            address: control.clone(),
        };
        let facts = Facts {
            id: "18c0".into(),
            to: vec![address.clone(); LIST_ITEMS_MAX],
            cc: vec![address.clone(); LIST_ITEMS_MAX],
            delivered_to: vec![address; LIST_ITEMS_MAX],
            labels: vec![control.clone(); LIST_ITEMS_MAX],
            label_names: vec![control.clone(); LIST_ITEMS_MAX],
            attachments: vec![control.clone(); LIST_ITEMS_MAX],
            snippet: Some(control.clone()),
            subject: Some(control.clone()),
            ..Facts::default()
        };
        let json = facts.into_json();
        assert!(json.len() <= FACTS_BYTES_MAX, "{}", json.len());
        let read: Facts = serde_json::from_str(&json).unwrap();
        assert!(read.reduced && read.recipients_truncated);
        assert_eq!(read.to.len(), 5);
        assert_eq!(read.subject, Some(control));
    }

    #[test]
    fn facts_within_the_limit_stay_whole() {
        let facts = Facts {
            labels: vec!["INBOX".into()],
            ..Facts::default()
        };
        assert_eq!(
            facts.into_json(),
            r#"{"mailbox":"","id":"","labels":["INBOX"]}"#
        );
    }
}
