//! What is kept of a payload. Filters see nothing else, and neither do the
//! automations, so this is a public format: fields are added, never renamed.
//!
//! The upper half of [`Facts`] is the same for every type; the lower half are
//! sections, present where the event is about such a thing. Absent, `null` and
//! empty are the same and are not written.

mod agent;
mod bound;
mod common;
mod work;

pub use agent::{Access, AgentSession, Notification};
pub use common::{Actor, Person, State, Team};
pub use work::{Comment, Issue, Project, Sla, Subject, Update};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Everything about an event.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Facts {
    /// What it is about, by Linear's name: `Issue`.
    #[serde(rename = "type")]
    pub kind: String,
    /// What happened to it: `update`.
    pub action: String,
    /// The workspace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub organization_id: Option<String>,
    /// The subscription that sent it: the same for all of its deliveries.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub webhook_id: Option<String>,
    /// The OAuth app that an event for apps is about. An identifier, no secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oauth_client_id: Option<String>,
    /// That app's user in the workspace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub app_user_id: Option<String>,
    /// Who did it. Where a payload does not say, as those of 2023, who created
    /// what was created.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actor: Option<Actor>,

    /// Who created what the event is about; a comment's, update's or reaction's
    /// author.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub creator: Option<Person>,
    /// Whether that was a bot.
    #[serde(skip_serializing_if = "is_false")]
    pub created_by_bot: bool,
    /// The teams concerned: an issue has one, a project may have several.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub teams: Vec<Team>,
    /// The project concerned: itself, or the issue's, update's or document's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<Project>,
    /// An issue's state, a project's status, a release's stage; after the event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<State>,
    /// Of an issue, project or initiative: 0 none, 1 urgent, 2 high, 3 medium,
    /// 4 low.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<i64>,
    /// Names of an issue's labels, after the event; a label's own name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
    /// Ids of an issue's, project's or initiative's labels; a label's own id.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub label_ids: Vec<String>,
    /// Whose the issue is, after the event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub assignee: Option<Person>,
    /// The keys that an update changed: `stateId`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub changed: Vec<String>,
    /// Their previous values, as far as they are small.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub previous: Map<String, Value>,

    /// The issue, also of a comment, SLA, notification or agent session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issue: Option<Issue>,
    /// The issue's service level agreement.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sla: Option<Sla>,
    /// The comment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comment: Option<Comment>,
    /// The update of a project or initiative.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub update: Option<Update>,
    /// What an app's user was notified of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notification: Option<Notification>,
    /// An agent's session, and what it was told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent_session: Option<AgentSession>,
    /// What an app may do, after the event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access: Option<Access>,
    /// The thing any other event is about: a label, a cycle, a customer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<Subject>,
    /// Whether facts were left out because the payload was enormous.
    #[serde(skip_serializing_if = "is_false")]
    pub reduced: bool,
}

pub(crate) fn is_false(value: &bool) -> bool {
    !value
}
