//! Sections about operations: deployments, alerts, installations, and the subject of every
//! event that has no section of its own.

use triggerhouse_sdk::facts;

/// A deployment, with its status if the event is about one.
#[facts]
pub struct Deployment {
    pub id: Option<i64>,
    /// `production`.
    pub environment: Option<String>,
    /// The status's state: `success`, `failure`, `in_progress`.
    pub state: Option<String>,
    /// The branch, tag or commit deployed.
    #[serde(rename = "ref")]
    pub ref_name: Option<String>,
    pub sha: Option<String>,
    /// `deploy`.
    pub task: Option<String>,
    pub description: Option<String>,
    /// The page of the deployed environment.
    pub url: Option<String>,
    pub log_url: Option<String>,
    pub creator: Option<String>,
}

/// A code scanning, Dependabot or secret scanning alert, or an advisory.
#[facts]
pub struct Alert {
    pub number: Option<i64>,
    pub url: Option<String>,
    /// `open`, `fixed`, `dismissed`, `resolved`.
    pub state: Option<String>,
    /// `low`, `medium`, `high`, `critical`; for code scanning also `warning`.
    pub severity: Option<String>,
    pub summary: Option<String>,
    /// The rule's id, for code scanning.
    pub rule: Option<String>,
    /// The scanner, for code scanning.
    pub tool: Option<String>,
    /// The package, for vulnerabilities.
    pub package: Option<String>,
    /// `npm`, `pip`.
    pub ecosystem: Option<String>,
    /// The first version without the vulnerability.
    pub fixed_in: Option<String>,
    /// The file that requires the package.
    pub manifest: Option<String>,
    pub ghsa_id: Option<String>,
    pub cve_id: Option<String>,
    /// The kind of secret that leaked. Never the secret.
    pub secret_type: Option<String>,
    /// The reason for dismissing or resolving it.
    pub resolution: Option<String>,
}

/// A GitHub App's installation.
#[facts]
pub struct Installation {
    /// The login or slug of the account that installed the App.
    pub account: Option<String>,
    /// The App's slug.
    pub app: Option<String>,
    /// `all` or `selected`.
    pub repository_selection: Option<String>,
    /// Full names.
    pub repositories_added: Vec<String>,
    /// Full names.
    pub repositories_removed: Vec<String>,
}

/// The subject of any other event.
#[facts]
pub struct Subject {
    /// The thing in words: `Milestone`.
    #[serde(rename = "type")]
    pub kind: String,
    pub id: Option<String>,
    pub number: Option<i64>,
    /// The title, name or login.
    pub name: Option<String>,
    pub url: Option<String>,
    pub state: Option<String>,
    pub description: Option<String>,
}
