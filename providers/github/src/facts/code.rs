//! Sections about code: pushes, branches and tags, checks, workflows and
//! releases.

use super::is_false;
use serde::{Deserialize, Serialize};

/// A push to a branch or tag.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Push {
    /// `refs/heads/main`.
    #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
    pub ref_name: Option<String>,
    /// The commit before; 40 zeros if there was none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// The commit after; 40 zeros if there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// Whether this push created the branch or tag.
    #[serde(skip_serializing_if = "is_false")]
    pub created: bool,
    /// Whether it deleted it.
    #[serde(skip_serializing_if = "is_false")]
    pub deleted: bool,
    /// Whether history was rewritten.
    #[serde(skip_serializing_if = "is_false")]
    pub forced: bool,
    /// The reference a new one was made from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base_ref: Option<String>,
    /// The comparison's page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compare_url: Option<String>,
    /// Who pushed, in git's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pusher: Option<String>,
    /// How many commits the payload lists. GitHub lists at most 2,048.
    pub commit_count: usize,
    /// The newest of them, oldest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub commits: Vec<Commit>,
    /// Whether `commits` lacks some.
    #[serde(skip_serializing_if = "is_false")]
    pub commits_truncated: bool,
    /// Files added, modified or removed, each once.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub paths: Vec<String>,
    /// Whether `paths` may lack some.
    #[serde(skip_serializing_if = "is_false")]
    pub paths_truncated: bool,
}

/// One commit of a push.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Commit {
    /// Its hash.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha: Option<String>,
    /// Its message, shortened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The author's login, else name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    /// Its page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// A branch or tag created or deleted.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Reference {
    /// Its name without `refs/`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// `branch` or `tag`.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
}

/// A check run, a check suite or a commit status.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Check {
    /// GitHub's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<i64>,
    /// The check's name; a status's context.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The page of the service that ran it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub details_url: Option<String>,
    /// `queued`, `in_progress`, `completed`; a status's state.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// The commit checked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub head_sha: Option<String>,
    /// The App's slug.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub app: Option<String>,
    /// The output's title; a status's description.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The output's summary, shortened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    /// The button pressed, on `requested_action`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requested_action: Option<String>,
    /// Numbers of the pull requests with this head.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub pull_requests: Vec<i64>,
}

/// A workflow's run, or one job of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Workflow {
    /// GitHub's id of the run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run_id: Option<i64>,
    /// The how-manieth run of the workflow.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run_number: Option<i64>,
    /// Which attempt, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run_attempt: Option<i64>,
    /// The workflow's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The workflow's file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The run's title.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The run's or job's page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The event that started it: `push`, `schedule`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trigger: Option<String>,
    /// `queued`, `in_progress`, `completed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// The commit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub head_sha: Option<String>,
    /// GitHub's id of the job.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job_id: Option<i64>,
    /// The job's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job: Option<String>,
    /// Names of the job's steps that failed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub failed_steps: Vec<String>,
    /// The runner's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub runner: Option<String>,
    /// What the job asks of a runner. Not `labels`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub runner_labels: Vec<String>,
    /// Numbers of the pull requests with this head.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub pull_requests: Vec<i64>,
}

/// A release.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Release {
    /// GitHub's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<i64>,
    /// Its title.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Whether it is marked as one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prerelease: Option<bool>,
    /// The branch or commit the tag is made from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// Who made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    /// The notes, shortened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// Names of the files.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub assets: Vec<String>,
}
