//! A trigger's configuration. The comments become the schema's descriptions, which people
//! read when they write one.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

/// The GitHub events that start a run. Every field is optional. An event must satisfy every
/// field that is set, and at least one entry of each list; an empty list matches everything.
/// A field rejects events that lack its value: `branches` never matches an issue.
///
/// Globs: `*` matches any characters except `/`, `**` whole directories, `?` one character,
/// `[ab]` one of several, `{a,b}` one of the alternatives. `!` at the start negates the
/// glob; `\` makes a character literal.
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
    /// Events, by GitHub's names: `issues` matches every action on issues, `issues.opened`
    /// only that action. A merge is `pull_request.closed` with `merged`.
    #[schemars(length(max = 300), inner(length(min = 1, max = 256)))]
    #[schemars(inner(regex(pattern = r"^[a-z0-9_]+(\..+)?$")))]
    #[schemars(example = json!(["issues.opened", "pull_request", "push"]))]
    pub events: Vec<String>,

    /// Globs on the repository's full name, ignoring case.
    #[schemars(length(max = 100), inner(length(min = 1, max = 256)))]
    #[schemars(example = json!(["octo-org/hello", "octo-org/*"]))]
    pub repositories: Vec<String>,

    /// Logins of organizations, ignoring case. Repositories that an organization owns count
    /// too.
    #[schemars(length(max = 100), inner(length(min = 1, max = 256)))]
    #[schemars(example = json!(["octo-org"]))]
    pub organizations: Vec<String>,

    /// Globs on the branch: a pull request's base (also for its reviews and comments on its
    /// code), the branch pushed, created, deleted or deployed, the head branch of checks and
    /// workflows, any branch of a commit status. Events without a branch never match.
    #[schemars(length(max = 100), inner(length(min = 1, max = 256)))]
    #[schemars(example = json!(["main", "release/**"]))]
    pub branches: Vec<String>,

    /// Globs on the tag pushed, created, deleted or released. Other events never match.
    #[schemars(length(max = 100), inner(length(min = 1, max = 256)))]
    #[schemars(example = json!(["v*"]))]
    pub tags: Vec<String>,

    /// Names of labels, ignoring case. The issue, pull request or discussion must have one of
    /// them after the event, so a label that the event removed does not count. Other events
    /// never match.
    #[schemars(length(max = 100), inner(length(min = 1, max = 256)))]
    #[schemars(example = json!(["bug", "help wanted"]))]
    pub labels: Vec<String>,

    /// Logins, ignoring case: the commenter for comments, the reviewer for reviews, the author
    /// of the issue, pull request, discussion, release or deployment. For pushes and all other
    /// events, the sender.
    #[schemars(length(max = 100), inner(length(min = 1, max = 256)))]
    #[schemars(example = json!(["octocat", "dependabot[bot]"]))]
    pub authors: Vec<String>,

    /// Rejects events that a bot caused: a sender of type `Bot`, or one whose login ends in
    /// `[bot]`.
    pub exclude_bots: bool,

    /// Requires that the pull request or release is a draft, or is not one. Applies to reviews
    /// and comments of a pull request too. Other events never match.
    pub draft: Option<bool>,

    /// `true`: the event merges a pull request (`closed`, and merged). `false`: the pull request
    /// is not merged. Events other than `pull_request` never match either value.
    pub merged: Option<bool>,

    /// Results of a check run, check suite, workflow run or workflow job, or states of a commit
    /// status or deployment status, ignoring case. Events without a result never match.
    #[schemars(length(max = 100), inner(length(min = 1, max = 256)))]
    #[schemars(example = json!(["failure", "timed_out"]))]
    pub conclusions: Vec<String>,

    /// Globs on the files that a push added, modified or removed; one matching file is enough.
    /// Only `push` names files: no other event matches, not even a pull request's. A push beyond
    /// 3,000 files, 96 KiB of their names or GitHub's maximum of 2,048 commits always matches,
    /// because not all of its files are known and a surplus run is better than a missing one.
    #[schemars(length(max = 100), inner(length(min = 1, max = 256)))]
    #[schemars(example = json!(["src/**", "**/*.rs", "Cargo.toml"]))]
    pub paths: Vec<String>,
}
