//! Turns one message into one event.
//!
//! All readers are lenient: the facts lack a header that is missing or broken, and a filter that
//! asks for it rejects. A message is never refused, because the next poll would only fetch it
//! again.

mod attachments;
mod headers;
mod snippet;

use crate::api::Label;
use crate::facts::Facts;
use headers::Headers;
use serde_json::Value;
use triggerhouse_sdk::limits::{DEDUP_KEY_BYTES_MAX, NAME_BYTES_MAX, TIME_US_MAX};
use triggerhouse_sdk::prelude::*;

/// The only kind of event.
const KIND: &str = "message.received";

/// The knowledge beside the answer of `users.messages.get`.
pub struct Context<'a> {
    /// The mailbox's address.
    pub mailbox: &'a str,
    /// The message's id.
    pub id: &'a str,
    /// The mailbox's labels, if a configuration asks for their names.
    pub labels: Option<&'a [Label]>,
    /// True if the message was fetched with its parts.
    pub parts: bool,
    /// True if a resync found it.
    pub resync: bool,
}

/// The time when Google accepted the message, in milliseconds since 1970: a number in a string.
pub fn internal_date_ms(message: &Value) -> Option<u64> {
    let date = Payload::new(message).id_opt("/internalDate").ok()??;
    date.parse().ok()
}

/// The event of one message.
pub fn event(message: &Value, context: &Context<'_>) -> Event {
    let facts = facts(message, context);
    let outline = Outline {
        kind: KIND.into(),
        occurred_at: internal_date_ms(message)
            .and_then(|ms| ms.checked_mul(1_000))
            .filter(|us| *us < TIME_US_MAX),
        scope: None,
        headline: facts
            .subject
            .clone()
            .unwrap_or_else(|| "(no subject)".into()),
        url: url(&facts),
        actor: facts.from.as_ref().map(|from| from.address.clone()),
        facts,
    };
    outline.into_event(key(context.mailbox, context.id))
}

/// The dedup key. An id is unique within its mailbox. The sender chooses `Message-ID`, so it
/// identifies nothing.
fn key(mailbox: &str, id: &str) -> String {
    let key = format!("gmail:{mailbox}:{id}");
    if key.len() <= DEDUP_KEY_BYTES_MAX {
        return key;
    }
    let identity = Fingerprint::default().part("mailbox", mailbox);
    format!("gmail:{}", identity.part("id", id).hex())
}

/// The page of the conversation for the mailbox's own user. `/u/0` would be the user who signed
/// in first.
fn url(facts: &Facts) -> Option<String> {
    let user: String = form_urlencoded::byte_serialize(facts.mailbox.as_bytes()).collect();
    // "All mail" contains neither spam nor trash.
    let folder = match () {
        () if facts.has_label("SPAM") => "spam",
        () if facts.has_label("TRASH") => "trash",
        () => "all",
    };
    let thread = facts.thread_id.as_ref()?;
    let page = format!("https://mail.google.com/mail/u/?authuser={user}#{folder}/{thread}");
    Some(page)
}

fn facts(message: &Value, context: &Context<'_>) -> Facts {
    let payload = Payload::new(message);
    let headers = Headers::read(&payload);
    let labels = payload.names("/labelIds", "");
    let attachments = context.parts.then(|| attachments::read(message));
    let (to, cc) = (headers.addresses("To"), headers.addresses("Cc"));
    let delivered_to = headers.addresses("Delivered-To");
    Facts {
        mailbox: shorten(context.mailbox, NAME_BYTES_MAX),
        id: context.id.into(),
        thread_id: payload.name("/threadId").filter(|id| is_plain(id)),
        message_id: headers.bracketed("Message-ID"),
        from: headers.addresses("From").list.into_iter().next(),
        recipients_truncated: to.truncated || cc.truncated || delivered_to.truncated,
        to: to.list,
        cc: cc.list,
        delivered_to: delivered_to.list,
        subject: headers.text("Subject"),
        date: headers.raw("Date"),
        snippet: payload.raw("/snippet").and_then(snippet::read),
        label_names: label_names(&labels, context.labels),
        labels,
        list_id: headers.bracketed("List-Id"),
        has_attachment: attachments.as_ref().map(|names| !names.is_empty()),
        attachments: attachments.unwrap_or_default(),
        size_bytes: payload.number("/sizeEstimate"),
        resync: context.resync,
        reduced: false,
    }
}

/// The names of the message's own labels. System labels have no other name than their id.
fn label_names(ids: &[String], labels: Option<&[Label]>) -> Vec<String> {
    let labels = labels.unwrap_or_default();
    let own = labels
        .iter()
        .filter(|label| label.id != label.name && ids.contains(&label.id));
    own.map(|label| label.name.clone()).collect()
}

/// True for an id that is safe in a link.
fn is_plain(id: &str) -> bool {
    id.bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const CONTEXT: Context<'_> = Context {
        mailbox: "me+x@example.com",
        id: "18c0",
        labels: None,
        parts: false,
        resync: false,
    };

    #[test]
    fn an_empty_message_is_still_an_event() {
        let event = event(&json!({}), &CONTEXT);
        assert_eq!(event.title, "(no subject)");
        assert_eq!(event.dedup_key, "gmail:me+x@example.com:18c0");
        assert_eq!(
            (event.url, event.actor, event.occurred_at),
            (None, None, None)
        );
        assert_eq!(event.facts, r#"{"mailbox":"me+x@example.com","id":"18c0"}"#);
    }

    #[test]
    fn the_link_opens_the_right_account_and_folder() {
        let url = |labels: Value| {
            let message = json!({"threadId": "18bf", "labelIds": labels});
            event(&message, &CONTEXT).url.unwrap()
        };
        let root = "https://mail.google.com/mail/u/?authuser=me%2Bx%40example.com";
        assert_eq!(url(json!(["INBOX"])), format!("{root}#all/18bf"));
        assert_eq!(url(json!(["SPAM"])), format!("{root}#spam/18bf"));
        assert_eq!(
            url(json!(["TRASH", "Label_1"])),
            format!("{root}#trash/18bf")
        );
        assert_eq!(event(&json!({"threadId": "a/../b?"}), &CONTEXT).url, None);
    }

    #[test]
    fn a_long_address_does_not_make_a_long_key() {
        let mailbox = "a".repeat(600);
        let context = Context {
            mailbox: &mailbox,
            ..CONTEXT
        };
        let key = event(&json!({}), &context).dedup_key;
        assert_eq!(key.len(), "gmail:".len() + 64);
        let other = Context {
            id: "18c1",
            ..context
        };
        assert_ne!(event(&json!({}), &other).dedup_key, key);
    }

    #[test]
    fn a_date_beyond_the_limit_is_left_out() {
        let at = |date: Value| event(&json!({"internalDate": date}), &CONTEXT).occurred_at;
        assert_eq!(at(json!("1700000000123")), Some(1_700_000_000_123_000));
        assert_eq!(
            at(json!(1_700_000_000_123_u64)),
            Some(1_700_000_000_123_000)
        );
        for broken in [
            json!(u64::MAX),
            json!("18446744073709551615"),
            json!("-1"),
            json!([]),
        ] {
            assert_eq!(at(broken.clone()), None, "{broken}");
        }
    }

    #[test]
    fn only_own_labels_have_names_beside_ids() {
        let label = |id: &str, name: &str| Label {
            id: id.into(),
            name: name.into(),
        };
        let labels = [
            label("INBOX", "INBOX"),
            label("Label_1", "Acme"),
            label("Label_2", "b"),
        ];
        let context = Context {
            labels: Some(&labels),
            ..CONTEXT
        };
        let event = event(&json!({"labelIds": ["INBOX", "Label_1"]}), &context);
        let facts: Facts = serde_json::from_str(&event.facts).unwrap();
        assert_eq!(facts.labels, ["INBOX", "Label_1"]);
        assert_eq!(facts.label_names, ["Acme"]);
    }
}
