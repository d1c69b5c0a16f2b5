//! Which configurations want a message. Decides on facts alone, so a stored event
//! can be judged again at any time.
//!
//! Each check returns what was wrong, and the first that does rejects the event;
//! its text starts with the field's name.

mod config;

pub use config::Config;

use crate::Gmail;
use crate::facts::{Address, Facts};
use triggerhouse_sdk::checks::{self, Check, any, list, same};
use triggerhouse_sdk::glob;
use triggerhouse_sdk::prelude::*;

/// Labels that every mailbox has. Their ids are their names.
const SYSTEM_LABELS: &[&str] = &[
    "INBOX",
    "SENT",
    "DRAFT",
    "SPAM",
    "TRASH",
    "UNREAD",
    "STARRED",
    "IMPORTANT",
    "CHAT",
    "CATEGORY_PERSONAL",
    "CATEGORY_SOCIAL",
    "CATEGORY_PROMOTIONS",
    "CATEGORY_UPDATES",
    "CATEGORY_FORUMS",
];

/// Mail that only those get who ask for it, and what people call it.
const HIDDEN: &[(&str, &str)] = &[
    ("DRAFT", "a draft"),
    ("SPAM", "spam"),
    ("TRASH", "in the trash"),
];

impl Filter for Gmail {
    type Config = Config;
    type Facts = Facts;

    fn matches(_event: &Event, facts: &Facts, config: &Config) -> Verdict {
        checks::verdict(valid(config), || judge(facts, config))
    }
}

/// Whether a configuration calls a label by its id, in any case.
pub(crate) fn is_id(label: &str) -> bool {
    let digits = label
        .get(.."Label_".len())
        .filter(|prefix| prefix.eq_ignore_ascii_case("Label_"))
        .map(|prefix| &label[prefix.len()..]);
    SYSTEM_LABELS
        .iter()
        .any(|system| system.eq_ignore_ascii_case(label))
        || digits
            .is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()))
}

/// What the schema cannot check.
fn valid(config: &Config) -> Check {
    checks::globs("from", &config.from)?;
    checks::globs("to", &config.to)?;
    checks::globs("mailing_lists", &config.mailing_lists)?;
    // Looks right, would be accepted, and would wait for ever.
    let excluded = |label: &String| config.exclude_labels.iter().any(|other| same(other, label));
    if !config.labels.is_empty() && config.labels.iter().all(excluded) {
        return Err("exclude_labels: excludes everything that labels asks for".into());
    }
    Ok(())
}

fn judge(facts: &Facts, config: &Config) -> Check {
    hidden(facts, config)?;
    any("labels", &config.labels, labels(facts), same)?;
    excluded(facts, &config.exclude_labels)?;
    any(
        "from",
        &config.from,
        address(facts.from.as_ref()),
        matches_address,
    )?;
    recipients(facts, &config.to)?;
    any(
        "subject",
        &config.subject,
        facts.subject.as_deref(),
        contains,
    )?;
    attachment(facts, config.has_attachment)?;
    if config.unread_only && !facts.has_label("UNREAD") {
        return Err("unread_only: it has been read".into());
    }
    any(
        "mailing_lists",
        &config.mailing_lists,
        facts.list_id.as_deref(),
        matches_glob,
    )
}

fn labels(facts: &Facts) -> impl Iterator<Item = &str> {
    let labels = facts.labels.iter().chain(&facts.label_names);
    labels.map(String::as_str)
}

fn address(address: Option<&Address>) -> Option<&str> {
    address.map(|address| address.address.as_str())
}

/// What nobody means who says nothing about it.
fn hidden(facts: &Facts, config: &Config) -> Check {
    for (label, what) in HIDDEN {
        if facts.has_label(label) && !config.asks_for(label) {
            return Err(format!(
                "labels: it is {what}, and {label} is not asked for"
            ));
        }
    }
    // Mail to oneself is one message that is both.
    if facts.has_label("SENT") && !facts.has_label("INBOX") && !config.asks_for("SENT") {
        return Err("labels: it was sent from this mailbox, and SENT is not asked for".into());
    }
    Ok(())
}

fn excluded(facts: &Facts, excluded: &[String]) -> Check {
    let hit = labels(facts).find(|label| excluded.iter().any(|excluded| same(excluded, label)));
    match hit {
        Some(label) => Err(format!("exclude_labels: it has {label}")),
        None => Ok(()),
    }
}

fn recipients(facts: &Facts, wanted: &[String]) -> Check {
    let lists = [&facts.to, &facts.cc, &facts.delivered_to];
    let addresses = lists.into_iter().flatten();
    let check = any(
        "to",
        wanted,
        addresses.flat_map(|to| address(Some(to))),
        matches_address,
    );
    // Recipients that are not known may match: one run too many is better than one
    // too few.
    if facts.recipients_truncated {
        Ok(())
    } else {
        check
    }
}

fn attachment(facts: &Facts, wanted: Option<bool>) -> Check {
    match (wanted, facts.has_attachment) {
        (Some(true), Some(false)) => Err("has_attachment: it has none".into()),
        (Some(false), Some(true)) => {
            let names = list(&facts.attachments);
            Err(format!("has_attachment: it has {names}"))
        }
        (Some(_), None) => {
            Err("has_attachment: nobody asked for it when the message was fetched".into())
        }
        _ => Ok(()),
    }
}

fn contains(wanted: &str, subject: &str) -> bool {
    subject.to_lowercase().contains(&wanted.to_lowercase())
}

/// `a@example.com`, `*@example.com`, or the domain alone.
fn matches_address(pattern: &str, address: &str) -> bool {
    if pattern.contains('@') {
        return matches_glob(pattern, address);
    }
    let domain = address.rsplit_once('@').map_or("", |(_, domain)| domain);
    matches_glob(pattern, domain)
}

/// Neither addresses nor lists have directories: `*` is any characters.
fn matches_glob(pattern: &str, text: &str) -> bool {
    let flat = |text: &str| text.replace('/', "\u{2215}");
    glob::matches_any_case(&flat(pattern), &flat(text))
}
