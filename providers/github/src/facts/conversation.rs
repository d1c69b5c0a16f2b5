//! Sections about what people write: issues, pull requests, discussions,
//! reviews and comments.

use super::is_false;
use serde::{Deserialize, Serialize};

/// An issue, or a pull request seen as one by a comment on it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Issue {
    /// Its number in the repository.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number: Option<i64>,
    /// Its title.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Its page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// `open` or `closed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// `completed`, `not_planned`, `reopened`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state_reason: Option<String>,
    /// Who opened it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    /// Its text, shortened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// Logins.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub assignees: Vec<String>,
    /// The milestone's title.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub milestone: Option<String>,
    /// `Bug`, `Task`: the organization's own types.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub issue_type: Option<String>,
    /// Whether it is a pull request: GitHub calls comments there issue comments.
    #[serde(skip_serializing_if = "is_false")]
    pub is_pull_request: bool,
    /// The sub-issue, parent or blocking issue of a relation: `owner/name#1`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub related: Option<String>,
}

/// A pull request.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct PullRequest {
    /// Its number in the repository.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number: Option<i64>,
    /// Its title.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Its page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// `open` or `closed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// Who opened it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    /// Its text, shortened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// Logins.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub assignees: Vec<String>,
    /// Logins whose review is requested.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub reviewers: Vec<String>,
    /// Slugs of teams whose review is requested.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub reviewer_teams: Vec<String>,
    /// The milestone's title.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub milestone: Option<String>,
    /// The branch it goes into.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base_branch: Option<String>,
    /// The branch it comes from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub head_branch: Option<String>,
    /// The newest commit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub head_sha: Option<String>,
    /// Where the head branch lives; missing if that fork was deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub head_repository: Option<String>,
    /// Who merged it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub merged_by: Option<String>,
    /// The merge commit, or a trial one before the merge.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub merge_commit_sha: Option<String>,
    /// On `synchronize`: the head before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// On `synchronize`: the head after.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// How many.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commits: Option<i64>,
    /// Lines.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub additions: Option<i64>,
    /// Lines.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deletions: Option<i64>,
    /// How many. Their names are in no payload.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub changed_files: Option<i64>,
}

/// A discussion.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Discussion {
    /// Its number in the repository.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number: Option<i64>,
    /// Its title.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Its page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// `open`, `closed`, `locked`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// `resolved`, `outdated`, `duplicate`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state_reason: Option<String>,
    /// The category's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// Who started it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    /// Its text, shortened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
}

/// A comment on an issue, pull request, discussion, diff or commit.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Comment {
    /// GitHub's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<i64>,
    /// Its page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Who wrote it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    /// `OWNER`, `MEMBER`, `CONTRIBUTOR`, `NONE`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub author_association: Option<String>,
    /// Its text, shortened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// The file, for comments on code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The line in that file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<i64>,
    /// The commit, for comments on code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commit_sha: Option<String>,
    /// The comment that this one answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub in_reply_to: Option<i64>,
}

/// A review of a pull request.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Review {
    /// GitHub's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<i64>,
    /// Its page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// `approved`, `changes_requested`, `commented`, `dismissed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// Who reviewed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    /// `OWNER`, `MEMBER`, `CONTRIBUTOR`, `NONE`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub author_association: Option<String>,
    /// Its text, shortened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// The commit reviewed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commit_sha: Option<String>,
}
