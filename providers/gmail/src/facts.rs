//! What is kept of a message. Filters see nothing else, and neither do the
//! automations, so this is a public format: fields are added, never renamed.
//! Absent, `null` and empty are the same and are not written.

use serde::{Deserialize, Serialize};

/// Everything about a message, but its body.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Facts {
    /// The address of the mailbox, in lower case.
    pub mailbox: String,
    /// Gmail's id of the message within the mailbox. It never changes.
    pub id: String,
    /// Gmail's id of the conversation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thread_id: Option<String>,
    /// `Message-ID`, without its angle brackets. The sender makes it up: it may be
    /// missing or occur twice.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message_id: Option<String>,
    /// The first address in `From`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Address>,
    /// `To`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub to: Vec<Address>,
    /// `Cc`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cc: Vec<Address>,
    /// `Delivered-To`: tells an alias, and who received a blind copy.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub delivered_to: Vec<Address>,
    /// Whether there were more recipients than fit in here.
    #[serde(skip_serializing_if = "is_false")]
    pub recipients_truncated: bool,
    /// `Subject`, decoded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// `Date`, as the sender wrote it. The event's time is when Google accepted the
    /// message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub date: Option<String>,
    /// The first words of the text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub snippet: Option<String>,
    /// Ids of its labels when it was fetched.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
    /// The names of those that are not the system's, if a configuration called a
    /// label by its name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub label_names: Vec<String>,
    /// The mailing list: what stands between `<` and `>` in `List-Id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub list_id: Option<String>,
    /// Whether it has an attachment, if a configuration asked for that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub has_attachment: Option<bool>,
    /// The attachments' file names.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<String>,
    /// Gmail's estimate of the message's size.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size_bytes: Option<i64>,
    /// Whether it was found by a resync, so it may be late.
    #[serde(skip_serializing_if = "is_false")]
    pub resync: bool,
    /// Whether facts were left out because they were enormous.
    #[serde(skip_serializing_if = "is_false")]
    pub reduced: bool,
}

/// A person, or whatever writes mail.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Address {
    /// `Jane Doe`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub name: Option<String>,
    /// `jane@example.com`.
    pub address: String,
}

/// What is given up where facts would exceed the contract's limit, in this order.
const STEPS: &[fn(&mut Facts)] = &[
    |facts| facts.snippet = None,
    |facts| facts.attachments.clear(),
    |facts| {
        for list in [&mut facts.to, &mut facts.cc, &mut facts.delivered_to] {
            for address in list {
                address.name = None;
            }
        }
    },
    // What remains has some forty short texts.
    |facts| {
        facts.recipients_truncated = true;
        for list in [&mut facts.to, &mut facts.cc, &mut facts.delivered_to] {
            list.truncate(5);
        }
        facts.labels.truncate(10);
        facts.label_names.truncate(10);
    },
];

impl Facts {
    /// The facts as one JSON object within the contract's limit.
    pub fn into_json(mut self) -> String {
        triggerhouse_sdk::facts_reduced(&mut self, |facts| facts.reduced = true, STEPS)
    }

    /// Whether the message has a system label.
    pub fn has_label(&self, label: &str) -> bool {
        self.labels.iter().any(|other| other == label)
    }
}

fn is_false(value: &bool) -> bool {
    !value
}

#[cfg(test)]
mod tests {
    use super::*;
    use triggerhouse_sdk::limits::{FACTS_BYTES_MAX, LIST_ITEMS_MAX, NAME_BYTES_MAX};

    #[test]
    fn facts_never_exceed_the_limit_and_say_what_is_missing() {
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
    fn facts_within_the_limit_are_left_alone() {
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
