//! What is kept of a payload. Filters see nothing else, and neither do the
//! automations, so this is a public format: fields are added, never renamed.
//!
//! The upper half of [`Facts`] is the same for every event, and holds all that filters
//! decide on; the lower half are sections, present where the event is about such a
//! thing. Absent, `null` and empty are the same and are not written.

mod bound;
mod code;
mod conversation;
mod operation;

pub use code::{Event, Exception, Frame, Occurrence};
pub use conversation::{Comment, Installation, Issue};
pub use operation::{Build, Change, Comparison, Git, MetricAlert, PullRequest, Seer, Subject};

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Everything about an event.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Facts {
    /// The resource's name: `issue`.
    pub resource: String,
    /// What happened to it: `created`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    /// The UUID of the integration's installation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub installation: Option<String>,
    /// The organization's slug, where an address in the payload tells it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub organization: Option<String>,
    /// Whose action caused the event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actor: Option<Actor>,

    /// The project. A metric alert on several projects names them in its section.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<Project>,
    /// The id of the issue that the event is about or belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issue_id: Option<String>,
    /// `debug`, `info`, `warning`, `error`, `fatal`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub level: Option<String>,
    /// `production`: of the event, or the one that a metric alert watches.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// `python`, `javascript`; of a mobile build `APPLE`, `ANDROID`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platform: Option<String>,
    /// An issue's `resolved`, `unresolved`, `ignored`; a build's `COMPLETED`, `FAILED`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// An issue's `new`, `ongoing`, `escalating`, `regressed`, `archived_forever` …
    #[serde(skip_serializing_if = "Option::is_none")]
    pub substatus: Option<String>,
    /// The names of the alert rules that were triggered: one, except with the older
    /// plugin.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<String>,
    /// The event's tags.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    /// Whose issue it is: a user or a team.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub assignee: Option<Assignee>,

    /// The issue.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issue: Option<Issue>,
    /// The event of an error, an issue alert or the older plugin.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event: Option<Event>,
    /// The metric alert's incident and rule.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metric_alert: Option<MetricAlert>,
    /// The comment on an issue.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comment: Option<Comment>,
    /// The installation, where the event is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub installed: Option<Installation>,
    /// What Seer found or did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seer: Option<Seer>,
    /// The mobile build.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub build: Option<Build>,
    /// The thing that an event of any other resource is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<Subject>,
    /// Whether facts were left out because the payload was enormous.
    #[serde(skip_serializing_if = "is_false")]
    pub reduced: bool,
}

/// Who did something.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Actor {
    /// `user`, `application`.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// A user's number, an integration's UUID, or `sentry`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// `Jane Schmidt`, `Sentry`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// A project.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Project {
    /// Its number, as text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// `front-end`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slug: Option<String>,
    /// `Front End`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// A user or a team.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Assignee {
    /// `user`, `team`.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Its number, as text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// `Jane Schmidt`. A team's is known where the event is about its assignment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// A team's: `bakers`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slug: Option<String>,
    /// A user's address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
}

pub(crate) fn is_false(value: &bool) -> bool {
    !value
}
