//! What is kept of a payload. Filters see nothing else, and neither do the
//! automations, so this is a public format: fields are added, never renamed.
//!
//! The upper half of [`Facts`] is the same for every event; the lower half are
//! sections, present where the event is about such a thing. Absent, `null` and
//! empty are the same and are not written.

mod bound;
mod code;
mod conversation;
mod operation;

pub use code::{Check, Commit, Push, Reference, Release, Workflow};
pub use conversation::{Comment, Discussion, Issue, PullRequest, Review};
pub use operation::{Alert, Deployment, Installation, Subject};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Everything about an event.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Facts {
    /// The event's name: `pull_request`.
    pub event: String,
    /// What happened to it: `opened`. Not every event has an action.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    /// Where. Missing on events about organizations, installations, advisories.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repository: Option<Repository>,
    /// The organization's login, also where only the repository's owner tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub organization: Option<String>,
    /// The enterprise's slug.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enterprise: Option<String>,
    /// Whose action caused the event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sender: Option<Account>,
    /// The GitHub App's installation, if an App received the delivery.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub installation_id: Option<i64>,
    /// The webhook that sent the delivery.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hook: Option<Hook>,

    /// Who wrote what the event is about: the comment's, review's, issue's, pull
    /// request's, discussion's or release's author, otherwise the sender.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub author: Option<Account>,
    /// The branches concerned: a pull request's base, a push's own, a workflow's
    /// or check's head. Usually one; a commit status may name several.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub branches: Vec<String>,
    /// The tag pushed, created, deleted or released.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    /// The labels of the issue, pull request or discussion, after the event.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
    /// Whether the pull request or release is a draft.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub draft: Option<bool>,
    /// Whether the pull request has been merged, by this event or before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub merged: Option<bool>,
    /// How a check, workflow, commit status or deployment ended: `failure`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conclusion: Option<String>,
    /// What an `edited` event changed: `title`, `body`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<String>,
    /// The label that was added or removed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Who was assigned or unassigned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub assignee: Option<String>,
    /// Whose review was requested: a login, or a team's slug.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requested_reviewer: Option<String>,

    /// The issue, also of a comment on it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issue: Option<Issue>,
    /// The pull request, also of a review, review comment or thread.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pull_request: Option<PullRequest>,
    /// The discussion, also of a comment on it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub discussion: Option<Discussion>,
    /// The comment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comment: Option<Comment>,
    /// The review.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub review: Option<Review>,
    /// The push.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub push: Option<Push>,
    /// The branch or tag created or deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference: Option<Reference>,
    /// The check run, check suite or commit status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub check: Option<Check>,
    /// The workflow run, and the job if the event is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workflow: Option<Workflow>,
    /// The deployment, also of its status or review.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deployment: Option<Deployment>,
    /// The release.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub release: Option<Release>,
    /// The security alert or advisory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alert: Option<Alert>,
    /// The App's installation, where the event is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub installation: Option<Installation>,
    /// The thing any other event is about: a label, a milestone, a member.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<Subject>,
    /// `inputs` of a `workflow_dispatch`, `client_payload` of a
    /// `repository_dispatch`, if small enough.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inputs: Option<Map<String, Value>>,
    /// Whether facts were left out because the payload was enormous.
    #[serde(skip_serializing_if = "is_false")]
    pub reduced: bool,
}

/// A repository.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Repository {
    /// `owner/name`.
    pub full_name: String,
    /// Its page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// `main`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_branch: Option<String>,
    /// Whether only members see it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub private: Option<bool>,
    /// Whether it is a fork.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fork: Option<bool>,
}

/// A user, bot or organization.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Account {
    /// `octocat`, `dependabot[bot]`.
    pub login: String,
    /// `User`, `Bot`, `Organization`.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
}

/// The webhook that sent a delivery, from its headers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Hook {
    /// `x-github-hook-id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// `repository`, `organization`, `integration`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_type: Option<String>,
    /// The id of that repository, organization or App.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_id: Option<String>,
}

pub(crate) fn is_false(value: &bool) -> bool {
    !value
}
