//! Sections about running things: deployments, alerts, installations, and the
//! subject of every event that has no section of its own.

use serde::{Deserialize, Serialize};

/// A deployment, with its status if the event is about one.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Deployment {
    /// GitHub's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<i64>,
    /// `production`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// The status's state: `success`, `failure`, `in_progress`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// The branch, tag or commit deployed.
    #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
    pub ref_name: Option<String>,
    /// The commit deployed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha: Option<String>,
    /// `deploy`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task: Option<String>,
    /// Shortened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Where it runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Where its log is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_url: Option<String>,
    /// Who deployed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub creator: Option<String>,
}

/// A code scanning, Dependabot or secret scanning alert, or an advisory.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Alert {
    /// Its number in the repository.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number: Option<i64>,
    /// Its page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// `open`, `fixed`, `dismissed`, `resolved`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// `low`, `medium`, `high`, `critical`; code scanning also knows `warning`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub severity: Option<String>,
    /// What is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    /// The rule's id, for code scanning.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// The scanner, for code scanning.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool: Option<String>,
    /// The package, for vulnerabilities.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub package: Option<String>,
    /// `npm`, `pip`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ecosystem: Option<String>,
    /// The first version without the vulnerability.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fixed_in: Option<String>,
    /// The file that asks for the package.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub manifest: Option<String>,
    /// GitHub's advisory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ghsa_id: Option<String>,
    /// The CVE.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cve_id: Option<String>,
    /// What kind of secret leaked. Never the secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_type: Option<String>,
    /// Why it was dismissed or resolved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resolution: Option<String>,
}

/// A GitHub App's installation.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Installation {
    /// Where it is installed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// The App's slug.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub app: Option<String>,
    /// `all` or `selected`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repository_selection: Option<String>,
    /// Full names.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub repositories_added: Vec<String>,
    /// Full names.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub repositories_removed: Vec<String>,
}

/// What any other event is about.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Subject {
    /// In words: `Milestone`.
    #[serde(rename = "type")]
    pub kind: String,
    /// GitHub's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Its number, if it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number: Option<i64>,
    /// Its title, name or login.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Its state.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// Shortened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}
