//! Sections for apps and agents: what their users are told, and what they may do.

use super::{Person, is_false};
use serde::{Deserialize, Serialize};

/// What an app's user was notified of.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Notification {
    /// Linear's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The same as the event's action, as a rule: `issueMention`.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The emoji of a reaction: `eyes`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reaction: Option<String>,
    /// The document's title.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub document: Option<String>,
}

/// A session of an agent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct AgentSession {
    /// Linear's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// `pending`, `active`, `awaitingInput`, `complete`, `error`, `stale`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// Its page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// What it has done, shortened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    /// The activity that the event is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub activity_id: Option<String>,
    /// `prompt`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub activity_type: Option<String>,
    /// What the agent was told, shortened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prompt: Option<String>,
    /// What Linear tells the agent of the issue, its comments and its guidance, shortened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prompt_context: Option<String>,
    /// How to take the prompt: `stop`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signal: Option<String>,
}

/// What an app may do.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Access {
    /// The app's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
    /// Who withdrew or granted their authorization.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<Person>,
    /// How many of that user's tokens for the app are left. Never a token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub active_tokens: Option<i64>,
    /// Whether the app reaches all public teams.
    #[serde(skip_serializing_if = "is_false")]
    pub all_public_teams: bool,
    /// Teams that it reaches now.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub added_team_ids: Vec<String>,
    /// Teams that it no longer reaches.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub removed_team_ids: Vec<String>,
}
