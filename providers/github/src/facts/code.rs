//! Sections about code: pushes, branches and tags, checks, workflows and releases.

use triggerhouse_sdk::facts;

/// A push to a branch or tag.
#[facts]
pub struct Push {
    /// `refs/heads/main`.
    #[serde(rename = "ref")]
    pub ref_name: Option<String>,
    /// The commit before the push; 40 zeros if there was none.
    pub before: Option<String>,
    /// The commit after the push; 40 zeros if there is none.
    pub after: Option<String>,
    /// True if the push created the branch or tag.
    pub created: bool,
    /// True if the push deleted the branch or tag.
    pub deleted: bool,
    /// True if the push rewrote history.
    pub forced: bool,
    /// The reference that a new one branched from.
    pub base_ref: Option<String>,
    /// The page that compares the two commits.
    pub compare_url: Option<String>,
    /// The pusher's name as git knows it.
    pub pusher: Option<String>,
    /// Commits in the payload. GitHub lists at most 2,048.
    pub commit_count: usize,
    /// The newest commits, oldest first.
    pub commits: Vec<Commit>,
    /// True if `commits` is incomplete.
    pub commits_truncated: bool,
    /// Files added, modified or removed, each once.
    pub paths: Vec<String>,
    /// True if `paths` may be incomplete.
    pub paths_truncated: bool,
}

/// One commit of a push.
#[facts]
pub struct Commit {
    pub sha: Option<String>,
    pub message: Option<String>,
    /// The author's login, or name if the login is unknown.
    pub author: Option<String>,
    pub url: Option<String>,
}

/// A branch or tag that was created or deleted.
#[facts]
pub struct Reference {
    /// The name without `refs/`.
    pub name: Option<String>,
    /// `branch` or `tag`.
    #[serde(rename = "type")]
    pub kind: Option<String>,
}

/// A check run, a check suite or a commit status.
#[facts]
pub struct Check {
    pub id: Option<i64>,
    /// The check's name, or the status's context.
    pub name: Option<String>,
    pub url: Option<String>,
    /// The page of the service that ran the check.
    pub details_url: Option<String>,
    /// `queued`, `in_progress`, `completed`; a commit status's state.
    pub status: Option<String>,
    pub head_sha: Option<String>,
    /// The App's slug.
    pub app: Option<String>,
    /// The output's title, or the status's description.
    pub title: Option<String>,
    /// The output's summary.
    pub summary: Option<String>,
    /// The button pressed, on `requested_action`.
    pub requested_action: Option<String>,
    /// The numbers of pull requests with this head.
    pub pull_requests: Vec<i64>,
}

/// A run of a workflow, or one job of it.
#[facts]
pub struct Workflow {
    pub run_id: Option<i64>,
    /// Counts the runs of the workflow.
    pub run_number: Option<i64>,
    /// Counts the attempts of the run, from 1.
    pub run_attempt: Option<i64>,
    pub name: Option<String>,
    /// The workflow's file.
    pub path: Option<String>,
    /// The run's title.
    pub title: Option<String>,
    /// The page of the run or job.
    pub url: Option<String>,
    /// The event that started the run: `push`, `schedule`.
    pub trigger: Option<String>,
    /// `queued`, `in_progress`, `completed`.
    pub status: Option<String>,
    pub head_sha: Option<String>,
    pub job_id: Option<i64>,
    pub job: Option<String>,
    pub failed_steps: Vec<String>,
    pub runner: Option<String>,
    /// The labels that select a runner. They are not issue labels, so `labels` lacks them.
    pub runner_labels: Vec<String>,
    /// The numbers of pull requests with this head.
    pub pull_requests: Vec<i64>,
}

/// A release.
#[facts]
pub struct Release {
    pub id: Option<i64>,
    pub name: Option<String>,
    pub url: Option<String>,
    pub prerelease: Option<bool>,
    /// The branch or commit that the tag is made from.
    pub target: Option<String>,
    pub author: Option<String>,
    /// The release notes.
    pub body: Option<String>,
    /// The names of the files.
    pub assets: Vec<String>,
}
