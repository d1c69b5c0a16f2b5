//! A trigger's configuration. The comments become the schema's descriptions, which people
//! read when they write one.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

/// The messages of a mailbox that start a run. Every field is optional. A message must satisfy
/// every field that is set, and at least one entry of each list; an empty list matches
/// everything.
///
/// Drafts, spam and trash never match unless `labels` contains `DRAFT`, `SPAM` or `TRASH`. Mail
/// sent from the mailbox never matches unless `labels` contains `SENT`, or the message is in the
/// inbox too, like mail to oneself.
///
/// Globs: `*` matches any characters, `?` one character, `[ab]` one of several, `{a,b}` one of
/// the alternatives. `!` at the start negates the glob; `\` makes a character literal. Globs
/// ignore case.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(example = json!({"labels": ["INBOX"], "from": ["*@example.com"]}))]
#[schemars(example = json!({"subject": ["invoice", "receipt"], "has_attachment": true}))]
#[schemars(example = json!({"mailing_lists": ["*.lists.example.org"], "exclude_labels": ["CATEGORY_PROMOTIONS"]}))]
pub struct Config {
    /// Labels; the message must have one of them when it is fetched, usually within a minute
    /// of its arrival. A label added later starts nothing. The system labels are `INBOX`,
    /// `SENT`, `DRAFT`, `SPAM`, `TRASH`, `UNREAD`, `STARRED`, `IMPORTANT`,
    /// `CATEGORY_PERSONAL`, `CATEGORY_SOCIAL`, `CATEGORY_PROMOTIONS`, `CATEGORY_UPDATES` and
    /// `CATEGORY_FORUMS`. Your own labels go by their full name, `Clients/Acme`, or by their
    /// id, `Label_17`. Case is ignored.
    #[schemars(length(max = 100), inner(length(min = 1, max = 256)))]
    #[schemars(example = json!(["INBOX"]))]
    #[schemars(example = json!(["Clients/Acme"]))]
    pub labels: Vec<String>,

    /// Labels that the message must not have when it is fetched, named as in `labels`.
    #[schemars(length(max = 100), inner(length(min = 1, max = 256)))]
    #[schemars(example = json!(["CATEGORY_PROMOTIONS", "CATEGORY_SOCIAL"]))]
    pub exclude_labels: Vec<String>,

    /// Globs on the address in `From`, not on the name beside it. A glob without `@` matches
    /// the domain: `example.com` every address there, `*.example.com` every address in its
    /// subdomains. A sender can write any address into `From`.
    #[schemars(length(max = 100), inner(length(min = 1, max = 256)))]
    #[schemars(example = json!(["billing@example.com", "*@example.org", "example.net"]))]
    pub from: Vec<String>,

    /// Globs like those of `from`, on the addresses in `To`, `Cc` and `Delivered-To`. One
    /// matching address is enough. A message with more than 500 recipients in one header
    /// always matches, because not all of them are known and a surplus run is better than a
    /// missing one.
    #[schemars(length(max = 100), inner(length(min = 1, max = 256)))]
    #[schemars(example = json!(["support+*@example.com"]))]
    pub to: Vec<String>,

    /// Texts, one of which the subject must contain, ignoring case. They are not globs.
    #[schemars(length(max = 100), inner(length(min = 1, max = 256)))]
    #[schemars(example = json!(["invoice", "receipt"]))]
    pub subject: Vec<String>,

    /// Requires that the message has an attachment, or has none. An attachment is a part with
    /// a file name, except for an image that the text shows.
    pub has_attachment: Option<bool>,

    /// Requires that the message is still unread when it is fetched.
    pub unread_only: bool,

    /// Globs on the mailing list's id: the text between `<` and `>` in `List-Id`. Other mail
    /// never matches.
    #[schemars(length(max = 100), inner(length(min = 1, max = 256)))]
    #[schemars(example = json!(["rust-users.lists.example.org", "*.lists.example.org"]))]
    pub mailing_lists: Vec<String>,
}

impl Config {
    /// True if `labels` contains this system label.
    pub(crate) fn asks_for(&self, label: &str) -> bool {
        names(&self.labels, label)
    }

    /// True if a message with these labels is rejected even if it gains or loses labels. Only
    /// `DRAFT` and `SENT` are permanent: users cannot add or remove them, and sending a draft
    /// makes a new message.
    pub(crate) fn always_rejects(&self, labels: &[String]) -> bool {
        let has = |label: &str| names(labels, label);
        let drafts = !self.asks_for("DRAFT") || names(&self.exclude_labels, "DRAFT");
        (has("DRAFT") && drafts) || (has("SENT") && names(&self.exclude_labels, "SENT"))
    }
}

fn names(labels: &[String], label: &str) -> bool {
    labels.iter().any(|other| other.eq_ignore_ascii_case(label))
}
