//! A trigger's configuration. The comments here are the schema's descriptions,
//! which is what people see when they write one.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

/// Which messages of a mailbox start a run. Every field is optional. A message must
/// satisfy all fields that are given, and one entry of each list; an empty list asks
/// for nothing.
///
/// Drafts, spam and trash never match unless `labels` names `DRAFT`, `SPAM` or
/// `TRASH`. Nor does mail that was sent from the mailbox, unless `labels` names
/// `SENT` or the message is in the inbox as well, as mail to oneself is.
///
/// Globs: `*` stands for any characters, `?` for one, `[ab]` for one of several,
/// `{a,b}` for alternatives; `!` at the start turns the glob round; `\` takes a
/// character literally. Case does not matter.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(example = json!({"labels": ["INBOX"], "from": ["*@example.com"]}))]
#[schemars(example = json!({"subject": ["invoice", "receipt"], "has_attachment": true}))]
#[schemars(example = json!({"mailing_lists": ["*.lists.example.org"], "exclude_labels": ["CATEGORY_PROMOTIONS"]}))]
pub struct Config {
    /// Labels, one of which the message must have when it is fetched, usually within
    /// a minute of its arrival; a label given later starts nothing. System labels
    /// are called `INBOX`, `SENT`, `DRAFT`, `SPAM`, `TRASH`, `UNREAD`, `STARRED`,
    /// `IMPORTANT`, `CATEGORY_PERSONAL`, `CATEGORY_SOCIAL`, `CATEGORY_PROMOTIONS`,
    /// `CATEGORY_UPDATES` and `CATEGORY_FORUMS`. One's own are called by their full
    /// name, `Clients/Acme`, or by their id, `Label_17`. Case does not matter.
    #[schemars(length(max = 100), inner(length(min = 1, max = 256)))]
    #[schemars(example = json!(["INBOX"]))]
    #[schemars(example = json!(["Clients/Acme"]))]
    pub labels: Vec<String>,

    /// Labels, none of which the message may have when it is fetched. Called like
    /// those of `labels`.
    #[schemars(length(max = 100), inner(length(min = 1, max = 256)))]
    #[schemars(example = json!(["CATEGORY_PROMOTIONS", "CATEGORY_SOCIAL"]))]
    pub exclude_labels: Vec<String>,

    /// Globs on the address in `From`, not on the name beside it. One without an
    /// `@` is a domain: `example.com` is everybody there, `*.example.com` everybody
    /// in a domain below. Anybody can write anything into `From`.
    #[schemars(length(max = 100), inner(length(min = 1, max = 256)))]
    #[schemars(example = json!(["billing@example.com", "*@example.org", "example.net"]))]
    pub from: Vec<String>,

    /// Globs like those of `from`, on the addresses in `To`, `Cc` and
    /// `Delivered-To`. One address is enough. Of a message with more than 500
    /// recipients in one of these not all are known; it matches, because one run too
    /// many is better than one too few.
    #[schemars(length(max = 100), inner(length(min = 1, max = 256)))]
    #[schemars(example = json!(["support+*@example.com"]))]
    pub to: Vec<String>,

    /// Texts, one of which the subject must contain; case does not matter. These
    /// are no globs.
    #[schemars(length(max = 100), inner(length(min = 1, max = 256)))]
    #[schemars(example = json!(["invoice", "receipt"]))]
    pub subject: Vec<String>,

    /// Whether the message must have an attachment, or must not have one: a part
    /// with a file's name, other than an image that the text shows.
    pub has_attachment: Option<bool>,

    /// Whether the message must still be unread when it is fetched.
    pub unread_only: bool,

    /// Globs on the mailing list's id, which is what stands between `<` and `>` in
    /// `List-Id`. Mail that came through no list never matches.
    #[schemars(length(max = 100), inner(length(min = 1, max = 256)))]
    #[schemars(example = json!(["rust-users.lists.example.org", "*.lists.example.org"]))]
    pub mailing_lists: Vec<String>,
}

impl Config {
    /// Whether `labels` names this system label.
    pub(crate) fn asks_for(&self, label: &str) -> bool {
        names(&self.labels, label)
    }

    /// Whether a message with these labels is rejected whatever labels it gains or
    /// loses. Only `DRAFT` and `SENT` are for ever: Gmail lets nobody give them or
    /// take them away, and sending a draft makes a new message.
    pub(crate) fn always_rejects(&self, labels: &[String]) -> bool {
        let has = |label: &str| names(labels, label);
        let drafts = !self.asks_for("DRAFT") || names(&self.exclude_labels, "DRAFT");
        (has("DRAFT") && drafts) || (has("SENT") && names(&self.exclude_labels, "SENT"))
    }
}

fn names(labels: &[String], label: &str) -> bool {
    labels.iter().any(|other| other.eq_ignore_ascii_case(label))
}
