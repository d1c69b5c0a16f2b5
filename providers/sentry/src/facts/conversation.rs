//! Sections about what people work on: issues, comments, installations.

use triggerhouse_sdk::facts;

/// An issue.
#[facts]
pub struct Issue {
    /// `FRONT-END-9`.
    pub short_id: Option<String>,
    pub title: Option<String>,
    /// The place in the code: `bakery.ovens in bake`.
    pub culprit: Option<String>,
    /// Sentry sends it for new issues only.
    pub url: Option<String>,
    /// `error`, `default`, `csp`.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// `error`, `performance`, `outage`, `feedback`.
    pub category: Option<String>,
    /// `high`, `medium`, `low`.
    pub priority: Option<String>,
    /// The exception's type: `ReferenceError`.
    pub error_type: Option<String>,
    /// The exception's message.
    pub error_message: Option<String>,
    /// The file that threw the exception.
    pub file: Option<String>,
    /// The function that threw the exception.
    pub function: Option<String>,
    /// True if the program did not catch it.
    pub unhandled: Option<bool>,
    /// Counts the issue's events.
    pub count: Option<u64>,
    /// Counts the affected users.
    pub user_count: Option<u64>,
    /// The time of the first event, in Sentry's format.
    pub first_seen: Option<String>,
    /// The time of the latest event, in Sentry's format.
    pub last_seen: Option<String>,
    /// `now`, `in_next_release`, `with_commit`.
    pub resolution: Option<String>,
    /// The release that resolves it.
    pub resolved_in_release: Option<String>,
    /// The commit that resolved it.
    pub resolved_in_commit: Option<String>,
}

/// A comment on an issue.
#[facts]
pub struct Comment {
    /// A number, as text.
    pub id: String,
    pub text: Option<String>,
    /// In Sentry's format. An edit does not change it.
    pub created_at: Option<String>,
}

/// An installation of the integration.
#[facts]
pub struct Installation {
    pub uuid: Option<String>,
    /// The integration's slug.
    pub app: Option<String>,
    /// `pending`, `installed`.
    pub state: Option<String>,
}
