//! Sections about Sentry's own work: metric alerts, Seer, builds, and the subject of any other
//! event.

use triggerhouse_sdk::facts;

/// An incident of a metric alert, with its rule.
#[facts]
pub struct MetricAlert {
    pub id: Option<String>,
    pub title: Option<String>,
    /// `120 events in the last 10 minutes`.
    pub description: Option<String>,
    pub url: Option<String>,
    /// The slugs of the watched projects.
    pub projects: Vec<String>,
    pub rule_id: Option<String>,
    /// The measure: `count()`.
    pub aggregate: Option<String>,
    /// The measured events: `level:error`.
    pub query: Option<String>,
    /// `events`, `transactions`.
    pub dataset: Option<String>,
    pub time_window_minutes: Option<i64>,
    /// The start of the incident, in Sentry's format.
    pub started_at: Option<String>,
    /// The end of the incident, in Sentry's format.
    pub closed_at: Option<String>,
}

/// A run of Seer, Sentry's agent, on an issue.
#[facts]
pub struct Seer {
    /// A number, as text.
    pub run_id: Option<String>,
    pub root_cause: Option<String>,
    pub solution: Option<String>,
    /// The titles of the steps to the cause or to the solution.
    pub steps: Vec<String>,
    /// The code changes, one for each repository.
    pub changes: Vec<Change>,
    /// The pull requests that Seer opened.
    pub pull_requests: Vec<PullRequest>,
}

/// A change to a repository. Its diff may be long and is not kept.
#[facts]
pub struct Change {
    /// `owner/name`.
    pub repository: Option<String>,
    /// `fix: Initialize the variable`.
    pub title: Option<String>,
    pub description: Option<String>,
    pub branch: Option<String>,
}

/// A pull request that Seer opened.
#[facts]
pub struct PullRequest {
    /// `owner/name`.
    pub repository: Option<String>,
    pub number: Option<i64>,
    pub url: Option<String>,
    /// `github`.
    pub provider: Option<String>,
}

/// A mobile build. The URL that installs it needs no password, so it is not kept.
#[facts]
pub struct Build {
    pub id: Option<String>,
    /// `com.example.bakery`.
    pub app_id: Option<String>,
    /// `Bakery`.
    pub name: Option<String>,
    /// `3.1`.
    pub version: Option<String>,
    /// `17`.
    pub number: Option<i64>,
    /// `XCARCHIVE`, `AAB`, `APK`.
    pub artifact_type: Option<String>,
    /// `release`.
    pub configuration: Option<String>,
    /// True if a device can install it.
    pub installable: Option<bool>,
    /// `TIMEOUT`, `NO_QUOTA`.
    pub error_code: Option<String>,
    pub error_message: Option<String>,
    /// Bytes.
    pub download_size: Option<i64>,
    /// Bytes.
    pub install_size: Option<i64>,
    /// The id of the build that it is compared with.
    pub base_id: Option<String>,
    /// One comparison for each component.
    pub comparisons: Vec<Comparison>,
    pub git: Option<Git>,
}

/// The sizes of a component in both builds. All sizes are in bytes.
#[facts]
pub struct Comparison {
    /// `MAIN_ARTIFACT`, `WATCH_ARTIFACT`.
    pub component: Option<String>,
    /// `SUCCESS`, `FAILED`.
    pub state: Option<String>,
    pub download_size: Option<i64>,
    pub install_size: Option<i64>,
    pub base_download_size: Option<i64>,
    pub base_install_size: Option<i64>,
}

/// The commit that was built.
#[facts]
pub struct Git {
    /// `owner/name`.
    pub repository: Option<String>,
    pub branch: Option<String>,
    pub base_branch: Option<String>,
    pub sha: Option<String>,
    pub pull_request: Option<i64>,
}

/// The subject of an event of any other resource.
#[facts]
pub struct Subject {
    pub id: Option<String>,
    /// The title or name.
    pub name: Option<String>,
    pub url: Option<String>,
    pub state: Option<String>,
}
