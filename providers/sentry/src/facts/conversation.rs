//! Sections about what people work on and write: issues, comments, installations.

use serde::{Deserialize, Serialize};

/// An issue.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Issue {
    /// `FRONT-END-9`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub short_id: Option<String>,
    /// Its title.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Where in the code: `bakery.ovens in bake`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub culprit: Option<String>,
    /// Its page. Sentry tells it of new issues only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// `error`, `default`, `csp`.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// `error`, `performance`, `outage`, `feedback`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// `high`, `medium`, `low`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<String>,
    /// The type of the exception: `ReferenceError`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_type: Option<String>,
    /// What the exception says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_message: Option<String>,
    /// The file in which it was thrown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The function in which it was thrown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub function: Option<String>,
    /// Whether nothing caught it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unhandled: Option<bool>,
    /// How many events it has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    /// How many users are affected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_count: Option<u64>,
    /// When its first event arrived, as Sentry writes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_seen: Option<String>,
    /// When its latest event arrived, as Sentry writes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_seen: Option<String>,
    /// How it was resolved: `now`, `in_next_release`, `with_commit`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resolution: Option<String>,
    /// The release in which it is resolved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resolved_in_release: Option<String>,
    /// The commit that resolved it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resolved_in_commit: Option<String>,
}

/// A comment on an issue.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Comment {
    /// Its number, as text.
    pub id: String,
    /// Its text, shortened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// When it was written, as Sentry writes it. An edit does not change it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_at: Option<String>,
}

/// An installation of the integration.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Installation {
    /// Its UUID.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uuid: Option<String>,
    /// The integration's slug.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub app: Option<String>,
    /// `pending`, `installed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
}
