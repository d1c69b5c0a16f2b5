//! The facts of an event: what filters decide on and automations receive. This is a public
//! format, so fields are added and never renamed. Long texts are cut where they are read.
//!
//! The upper half of [`Facts`] is the same for every event. The lower half holds sections;
//! an event fills in the ones it is about. Absent, `null` and empty are the same and are
//! not written.

mod bound;
mod code;
mod conversation;
mod operation;

pub use code::{Check, Commit, Push, Reference, Release, Workflow};
pub use conversation::{Comment, Discussion, Issue, PullRequest, Review};
pub use operation::{Alert, Deployment, Installation, Subject};

use serde_json::{Map, Value};
use triggerhouse_sdk::facts;

/// Everything about an event.
#[facts]
pub struct Facts {
    /// The event's name: `pull_request`.
    pub event: String,
    /// The action: `opened`. Some events have none.
    pub action: Option<String>,
    /// Absent on events about organizations, installations and advisories.
    pub repository: Option<Repository>,
    /// The organization's login, also when only the repository's owner names it.
    pub organization: Option<String>,
    /// The enterprise's slug.
    pub enterprise: Option<String>,
    /// The account whose action caused the event.
    pub sender: Option<Account>,
    /// The GitHub App's installation, if an App received the delivery.
    pub installation_id: Option<i64>,
    /// The webhook that sent the delivery.
    pub hook: Option<Hook>,

    /// The author of the comment, review, issue, pull request, discussion or release that
    /// the event is about; otherwise the sender.
    pub author: Option<Account>,
    /// A pull request's base, a push's own branch, the head of a workflow or check.
    /// Usually one; a commit status can name several.
    pub branches: Vec<String>,
    /// The tag pushed, created, deleted or released.
    pub tag: Option<String>,
    /// The labels of the issue, pull request or discussion, after the event.
    pub labels: Vec<String>,
    /// True if the pull request or release is a draft.
    pub draft: Option<bool>,
    /// True if the pull request is merged, by this event or an earlier one.
    pub merged: Option<bool>,
    /// The result of a check, workflow, commit status or deployment: `failure`.
    pub conclusion: Option<String>,
    /// The fields that an `edited` event changed: `title`, `body`.
    pub changes: Vec<String>,
    /// The label that was added or removed.
    pub label: Option<String>,
    /// The login that was assigned or unassigned.
    pub assignee: Option<String>,
    /// The login or team slug that a review was requested from.
    pub requested_reviewer: Option<String>,

    /// The issue, or the issue that a comment is on.
    pub issue: Option<Issue>,
    /// The pull request, or the one that a review, review comment or thread is on.
    pub pull_request: Option<PullRequest>,
    /// The discussion, or the one that a comment is on.
    pub discussion: Option<Discussion>,
    pub comment: Option<Comment>,
    pub review: Option<Review>,
    pub push: Option<Push>,
    /// The branch or tag that was created or deleted.
    pub reference: Option<Reference>,
    /// The check run, check suite or commit status.
    pub check: Option<Check>,
    /// The workflow run, and the job if the event is about one.
    pub workflow: Option<Workflow>,
    /// The deployment, or the one that a status or review is about.
    pub deployment: Option<Deployment>,
    pub release: Option<Release>,
    /// The security alert or advisory.
    pub alert: Option<Alert>,
    /// The App's installation, if the event is about one.
    pub installation: Option<Installation>,
    /// The subject of any other event: a label, a milestone, a member.
    pub subject: Option<Subject>,
    /// `inputs` of a `workflow_dispatch` or `client_payload` of a `repository_dispatch`,
    /// if small enough.
    pub inputs: Option<Map<String, Value>>,
    /// True if facts were dropped to fit the contract's limit.
    pub reduced: bool,
}

/// A repository.
#[facts]
pub struct Repository {
    /// `owner/name`.
    pub full_name: String,
    pub url: Option<String>,
    pub default_branch: Option<String>,
    pub private: Option<bool>,
    pub fork: Option<bool>,
}

/// A user, bot or organization.
#[facts]
pub struct Account {
    /// `octocat`, `dependabot[bot]`.
    pub login: String,
    /// `User`, `Bot`, `Organization`.
    #[serde(rename = "type")]
    pub kind: Option<String>,
}

/// The webhook that sent a delivery, from its headers.
#[facts]
pub struct Hook {
    /// `x-github-hook-id`.
    pub id: Option<String>,
    /// `repository`, `organization`, `integration`.
    pub target_type: Option<String>,
    /// The id of that repository, organization or App.
    pub target_id: Option<String>,
}
