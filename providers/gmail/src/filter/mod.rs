//! The filter: decides which configurations want a message. It reads facts alone, so a stored
//! event can be judged again at any time.
//!
//! Each check passes or returns a reason, and the first reason rejects the event. A reason
//! starts with the field's name.

mod config;

pub use config::Config;

use crate::Gmail;
use crate::facts::Facts;
use triggerhouse_sdk::checks::{self, Check, any, flag, list, same};
use triggerhouse_sdk::glob;
use triggerhouse_sdk::prelude::*;

/// The labels of every mailbox. Their ids are their names.
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

/// Labels of mail that a configuration must ask for, with the words for a reason.
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

/// True for the id of a label, ignoring case.
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

/// Checks what the schema cannot express.
fn valid(config: &Config) -> Check {
    checks::globs("from", &config.from)?;
    checks::globs("to", &config.to)?;
    checks::globs("mailing_lists", &config.mailing_lists)?;
    // It looks right, and no message would ever match.
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
    let from = facts.from.iter().map(|from| &from.address);
    any("from", &config.from, from, matches_address)?;
    recipients(facts, &config.to)?;
    any("subject", &config.subject, &facts.subject, contains)?;
    attachment(facts, config.has_attachment)?;
    if config.unread_only && !facts.has_label("UNREAD") {
        return Err("unread_only: it has been read".into());
    }
    any(
        "mailing_lists",
        &config.mailing_lists,
        &facts.list_id,
        matches_glob,
    )
}

fn labels(facts: &Facts) -> impl Iterator<Item = &String> {
    facts.labels.iter().chain(&facts.label_names)
}

/// Rejects mail that a configuration must ask for.
fn hidden(facts: &Facts, config: &Config) -> Check {
    for (label, what) in HIDDEN {
        if facts.has_label(label) && !config.asks_for(label) {
            return Err(format!(
                "labels: it is {what}, and {label} is not asked for"
            ));
        }
    }
    // Mail to oneself has both labels.
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
    // An unknown recipient may match: a surplus run is better than a missing one.
    if facts.recipients_truncated {
        return Ok(());
    }
    let lists = [&facts.to, &facts.cc, &facts.delivered_to];
    let addresses = lists.into_iter().flatten().map(|to| &to.address);
    any("to", wanted, addresses, matches_address)
}

fn attachment(facts: &Facts, wanted: Option<bool>) -> Check {
    let found = facts.has_attachment;
    flag("has_attachment", wanted, found, |found| match found {
        Some(true) => format!("it has {}", list(&facts.attachments)),
        Some(false) => "it has none".into(),
        None => "no configuration asked for it when the message was fetched".into(),
    })
}

fn contains(wanted: &str, subject: &str) -> bool {
    subject.to_lowercase().contains(&wanted.to_lowercase())
}

/// True if a glob matches the address or, without `@`, its domain.
fn matches_address(pattern: &str, address: &str) -> bool {
    if pattern.contains('@') {
        return matches_glob(pattern, address);
    }
    let domain = address.rsplit_once('@').map_or("", |(_, domain)| domain);
    matches_glob(pattern, domain)
}

/// Matches a glob in which `*` includes `/`, because addresses and lists have no directories.
fn matches_glob(pattern: &str, text: &str) -> bool {
    let flat = |text: &str| text.replace('/', "\u{2215}");
    glob::matches_any_case(&flat(pattern), &flat(text))
}
