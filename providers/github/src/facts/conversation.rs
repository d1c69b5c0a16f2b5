//! Sections about what people write: issues, pull requests, discussions, reviews and
//! comments.

use triggerhouse_sdk::facts;

/// An issue, or a pull request that a comment treats as one.
#[facts]
pub struct Issue {
    pub number: Option<i64>,
    pub title: Option<String>,
    pub url: Option<String>,
    /// `open` or `closed`.
    pub state: Option<String>,
    /// `completed`, `not_planned`, `reopened`.
    pub state_reason: Option<String>,
    pub author: Option<String>,
    pub body: Option<String>,
    /// Logins.
    pub assignees: Vec<String>,
    /// The milestone's title.
    pub milestone: Option<String>,
    /// `Bug`, `Task`: the organization's own types.
    #[serde(rename = "type")]
    pub issue_type: Option<String>,
    /// True for a pull request, whose comments GitHub calls issue comments.
    pub is_pull_request: bool,
    /// The sub-issue, parent or blocking issue of a relation: `owner/name#1`.
    pub related: Option<String>,
}

/// A pull request.
#[facts]
pub struct PullRequest {
    pub number: Option<i64>,
    pub title: Option<String>,
    pub url: Option<String>,
    /// `open` or `closed`.
    pub state: Option<String>,
    pub author: Option<String>,
    pub body: Option<String>,
    /// Logins.
    pub assignees: Vec<String>,
    /// Logins whose review is requested.
    pub reviewers: Vec<String>,
    /// Slugs of teams whose review is requested.
    pub reviewer_teams: Vec<String>,
    /// The milestone's title.
    pub milestone: Option<String>,
    pub base_branch: Option<String>,
    pub head_branch: Option<String>,
    pub head_sha: Option<String>,
    /// The repository of the head branch; absent if that fork was deleted.
    pub head_repository: Option<String>,
    pub merged_by: Option<String>,
    /// The merge commit, or a trial one before the merge.
    pub merge_commit_sha: Option<String>,
    /// The head before a `synchronize`.
    pub before: Option<String>,
    /// The head after a `synchronize`.
    pub after: Option<String>,
    /// Counts.
    pub commits: Option<i64>,
    /// Lines.
    pub additions: Option<i64>,
    /// Lines.
    pub deletions: Option<i64>,
    /// Counts. No payload names the files.
    pub changed_files: Option<i64>,
}

/// A discussion.
#[facts]
pub struct Discussion {
    pub number: Option<i64>,
    pub title: Option<String>,
    pub url: Option<String>,
    /// `open`, `closed`, `locked`.
    pub state: Option<String>,
    /// `resolved`, `outdated`, `duplicate`.
    pub state_reason: Option<String>,
    /// The category's name.
    pub category: Option<String>,
    pub author: Option<String>,
    pub body: Option<String>,
}

/// A comment on an issue, pull request, discussion, diff or commit.
#[facts]
pub struct Comment {
    pub id: Option<i64>,
    pub url: Option<String>,
    pub author: Option<String>,
    /// `OWNER`, `MEMBER`, `CONTRIBUTOR`, `NONE`.
    pub author_association: Option<String>,
    pub body: Option<String>,
    /// The file, for comments on code.
    pub path: Option<String>,
    /// The line in that file.
    pub line: Option<i64>,
    /// The commit, for comments on code.
    pub commit_sha: Option<String>,
    /// The id of the comment that this one answers.
    pub in_reply_to: Option<i64>,
}

/// A review of a pull request.
#[facts]
pub struct Review {
    pub id: Option<i64>,
    pub url: Option<String>,
    /// `approved`, `changes_requested`, `commented`, `dismissed`.
    pub state: Option<String>,
    pub author: Option<String>,
    /// `OWNER`, `MEMBER`, `CONTRIBUTOR`, `NONE`.
    pub author_association: Option<String>,
    pub body: Option<String>,
    pub commit_sha: Option<String>,
}
