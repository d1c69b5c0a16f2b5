//! The facts of an event: what filters decide on and automations receive. This is a public
//! format, so fields are added and never renamed. Long texts are cut where they are read.
//!
//! The upper half of [`Facts`] is the same for every type. The lower half holds sections; an
//! event fills in the ones it is about. Absent, `null` and empty are the same and are not
//! written.

mod agent;
mod bound;
mod common;
mod work;

pub use agent::{Access, AgentSession, Notification};
pub use common::{Actor, Person, State, Team};
pub use work::{Comment, Issue, Project, Sla, Subject, Update};

use serde_json::{Map, Value};
use triggerhouse_sdk::facts;

/// Everything about an event.
#[facts]
pub struct Facts {
    /// The type, by Linear's name: `Issue`.
    #[serde(rename = "type")]
    pub kind: String,
    /// `update`.
    pub action: String,
    /// The workspace's id.
    pub organization_id: Option<String>,
    /// The id of the subscription, the same for all of its deliveries.
    pub webhook_id: Option<String>,
    /// The OAuth app that the event is about. An identifier, no secret.
    pub oauth_client_id: Option<String>,
    /// That app's user in the workspace.
    pub app_user_id: Option<String>,
    /// The actor. If the payload names none, as in 2023, the creator of a created thing.
    pub actor: Option<Actor>,

    /// The creator of the thing that the event is about: the author of a comment, update
    /// or reaction.
    pub creator: Option<Person>,
    /// True if a bot is the creator.
    pub created_by_bot: bool,
    /// An issue has one team, a project may have several.
    pub teams: Vec<Team>,
    /// The project itself, or that of the issue, update or document.
    pub project: Option<Project>,
    /// An issue's state, a project's status or a release's stage, after the event.
    pub state: Option<State>,
    /// The priority of an issue, project or initiative: 0 none, 1 urgent, 2 high, 3 medium,
    /// 4 low.
    pub priority: Option<i64>,
    /// The names of an issue's labels after the event, or a label's own name.
    pub labels: Vec<String>,
    /// The ids of an issue's, project's or initiative's labels, or a label's own id.
    pub label_ids: Vec<String>,
    /// The assignee after the event.
    pub assignee: Option<Person>,
    /// The keys that an update changed: `stateId`.
    pub changed: Vec<String>,
    /// The previous values, if small.
    pub previous: Map<String, Value>,

    /// The issue, or the one that a comment, SLA, notification or agent session is about.
    pub issue: Option<Issue>,
    pub sla: Option<Sla>,
    pub comment: Option<Comment>,
    /// The update of a project or initiative.
    pub update: Option<Update>,
    pub notification: Option<Notification>,
    /// An agent's session and prompt.
    pub agent_session: Option<AgentSession>,
    /// An app's permissions after the event.
    pub access: Option<Access>,
    /// The subject of any other event: a label, a cycle, a customer.
    pub subject: Option<Subject>,
    /// True if facts were dropped to fit the contract's limit.
    pub reduced: bool,
}
