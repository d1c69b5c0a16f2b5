//! Sections for apps and agents: notifications, sessions and permissions.

use super::Person;
use triggerhouse_sdk::facts;

/// A notification to an app's user.
#[facts]
pub struct Notification {
    pub id: Option<String>,
    /// Usually the event's action: `issueMention`.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// The emoji of a reaction: `eyes`.
    pub reaction: Option<String>,
    /// The document's title.
    pub document: Option<String>,
}

/// A session of an agent.
#[facts]
pub struct AgentSession {
    pub id: Option<String>,
    /// `pending`, `active`, `awaitingInput`, `complete`, `error`, `stale`.
    pub status: Option<String>,
    pub url: Option<String>,
    /// A summary of the agent's work.
    pub summary: Option<String>,
    /// The id of the activity that the event is about.
    pub activity_id: Option<String>,
    /// `prompt`.
    pub activity_type: Option<String>,
    /// The text written to the agent.
    pub prompt: Option<String>,
    /// Linear's text for the agent: the issue, its comments and its guidance.
    pub prompt_context: Option<String>,
    /// An instruction for handling the prompt: `stop`.
    pub signal: Option<String>,
}

/// The permissions of an app.
#[facts]
pub struct Access {
    /// The app's name.
    pub client: Option<String>,
    /// The user who withdrew or granted the authorization.
    pub user: Option<Person>,
    /// Counts the tokens that the user still has for the app. Never a token.
    pub active_tokens: Option<i64>,
    /// True if the app reaches every public team.
    pub all_public_teams: bool,
    /// Teams that the app reaches now.
    pub added_team_ids: Vec<String>,
    /// Teams that the app no longer reaches.
    pub removed_team_ids: Vec<String>,
}
