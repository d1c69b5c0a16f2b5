//! A trigger's configuration. The comments here are the schema's descriptions,
//! which is what people see when they write one.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

/// Which events of GitHub start a run. Every field is optional. An event must
/// satisfy all fields that are given, and one entry of each list; an empty list
/// asks for nothing. A field that asks for something that an event does not have
/// rejects it: `branches` never matches an issue.
///
/// Globs: `*` stands for any characters but `/`, `**` for whole directories, `?`
/// for one character, `[ab]` for one of several, `{a,b}` for alternatives; `!` at
/// the start turns the glob round; `\` takes a character literally.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(example = json!({"events": ["issues.opened"], "labels": ["bug"]}))]
#[schemars(example = json!({
    "events": ["push"], "repositories": ["octo-org/*"], "branches": ["main"], "paths": ["src/**"]
}))]
#[schemars(example = json!({
    "events": ["workflow_run.completed"], "branches": ["main"], "conclusions": ["failure", "timed_out"]
}))]
#[schemars(example = json!({"events": ["pull_request.closed"], "merged": true}))]
pub struct Config {
    /// Events, by GitHub's names: `issues` is every action on issues,
    /// `issues.opened` only that one. A merge is `pull_request.closed` with
    /// `merged`.
    #[schemars(length(max = 300), inner(length(min = 1, max = 256)))]
    #[schemars(inner(regex(pattern = r"^[a-z0-9_]+(\..+)?$")))]
    #[schemars(example = json!(["issues.opened", "pull_request", "push"]))]
    pub events: Vec<String>,

    /// Globs on the repository's full name; case does not matter.
    #[schemars(length(max = 100), inner(length(min = 1, max = 256)))]
    #[schemars(example = json!(["octo-org/hello", "octo-org/*"]))]
    pub repositories: Vec<String>,

    /// Logins of organizations; case does not matter. Also known on repositories
    /// that an organization owns.
    #[schemars(length(max = 100), inner(length(min = 1, max = 256)))]
    #[schemars(example = json!(["octo-org"]))]
    pub organizations: Vec<String>,

    /// Globs on the branch: a pull request's base (also for reviews and comments
    /// on its code), the one pushed, created or deleted, the head branch of
    /// checks and workflows, the branch deployed, any branch of a commit status.
    /// Events without a branch never match.
    #[schemars(length(max = 100), inner(length(min = 1, max = 256)))]
    #[schemars(example = json!(["main", "release/**"]))]
    pub branches: Vec<String>,

    /// Globs on the tag that is pushed, created, deleted or released. Other events
    /// never match.
    #[schemars(length(max = 100), inner(length(min = 1, max = 256)))]
    #[schemars(example = json!(["v*"]))]
    pub tags: Vec<String>,

    /// Names of labels; case does not matter. One of them must be on the issue,
    /// pull request or discussion after the event; a label just removed no
    /// longer is. Other events never match.
    #[schemars(length(max = 100), inner(length(min = 1, max = 256)))]
    #[schemars(example = json!(["bug", "help wanted"]))]
    pub labels: Vec<String>,

    /// Logins; case does not matter. Who wrote what the event is about: the
    /// commenter for comments, the reviewer for reviews, who opened the issue,
    /// pull request or discussion, who made the release or deployment; for
    /// pushes and everything else, the sender.
    #[schemars(length(max = 100), inner(length(min = 1, max = 256)))]
    #[schemars(example = json!(["octocat", "dependabot[bot]"]))]
    pub authors: Vec<String>,

    /// Whether to reject what bots cause: a sender of type `Bot`, or one whose
    /// login ends in `[bot]`.
    pub exclude_bots: bool,

    /// Whether the pull request or release must be a draft, or must not be one.
    /// Also for reviews and comments of a pull request. Other events never match.
    pub draft: Option<bool>,

    /// `true`: a pull request is being merged (`closed`, and merged). `false`: a
    /// pull request that has not been merged. Events other than `pull_request`
    /// never match, either way.
    pub merged: Option<bool>,

    /// How a check run, check suite, workflow run or workflow job ended, or the
    /// state of a commit status or deployment status; case does not matter.
    /// Other events, and those that have not ended, never match.
    #[schemars(length(max = 100), inner(length(min = 1, max = 256)))]
    #[schemars(example = json!(["failure", "timed_out"]))]
    pub conclusions: Vec<String>,

    /// Globs on the files that a push added, modified or removed; one file is
    /// enough. Only `push` names files: with any other event, also a pull
    /// request's, this field never matches. Of an enormous push not all files are
    /// known (more than 3,000 files, 96 KiB of their names, or GitHub's maximum of
    /// 2,048 commits); it matches, because one run too many is better than one
    /// too few.
    #[schemars(length(max = 100), inner(length(min = 1, max = 256)))]
    #[schemars(example = json!(["src/**", "**/*.rs", "Cargo.toml"]))]
    pub paths: Vec<String>,
}
