//! The facts of an event: what filters decide on and automations receive. This is a public
//! format, so fields are added and never renamed. Long texts are cut where they are read.
//!
//! The upper half of [`Facts`] is the same for every event and holds everything that filters
//! decide on. The lower half holds sections; an event fills in the ones it is about. Absent,
//! `null` and empty are the same and are not written.

mod bound;
mod code;
mod conversation;
mod operation;

pub use code::{Event, Exception, Frame, Occurrence};
pub use conversation::{Comment, Installation, Issue};
pub use operation::{Build, Change, Comparison, Git, MetricAlert, PullRequest, Seer, Subject};

use std::collections::BTreeMap;
use triggerhouse_sdk::facts;

/// Everything about an event.
#[facts]
pub struct Facts {
    /// The resource's name: `issue`.
    pub resource: String,
    /// `created`.
    pub action: Option<String>,
    /// The UUID of the integration's installation.
    pub installation: Option<String>,
    /// The organization's slug, if a URL in the payload has it.
    pub organization: Option<String>,
    /// The user or app that caused the event.
    pub actor: Option<Actor>,

    /// A metric alert on several projects lists them in its section instead.
    pub project: Option<Project>,
    /// The id of the issue that the event is about or belongs to.
    pub issue_id: Option<String>,
    /// `debug`, `info`, `warning`, `error`, `fatal`.
    pub level: Option<String>,
    /// The event's environment, or the one that a metric alert watches: `production`.
    pub environment: Option<String>,
    /// `python`, `javascript`; `APPLE` or `ANDROID` for a mobile build.
    pub platform: Option<String>,
    /// An issue's `resolved`, `unresolved`, `ignored`; a build's `COMPLETED`, `FAILED`.
    pub status: Option<String>,
    /// An issue's `new`, `ongoing`, `escalating`, `regressed`, `archived_forever` …
    pub substatus: Option<String>,
    /// The names of the triggered alert rules: one, except with the older plugin.
    pub rules: Vec<String>,
    pub tags: BTreeMap<String, String>,
    /// The user or team that the issue is assigned to.
    pub assignee: Option<Assignee>,

    pub issue: Option<Issue>,
    /// The event of an error, issue alert or delivery of the older plugin.
    pub event: Option<Event>,
    /// The metric alert's incident and rule.
    pub metric_alert: Option<MetricAlert>,
    pub comment: Option<Comment>,
    /// The installation, if the event is about one.
    pub installed: Option<Installation>,
    pub seer: Option<Seer>,
    pub build: Option<Build>,
    /// The subject of an event of any other resource.
    pub subject: Option<Subject>,
    /// True if facts were dropped to fit the contract's limit.
    pub reduced: bool,
}

/// The user or app that caused an event.
#[facts]
pub struct Actor {
    /// `user`, `application`.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// A user's number, an integration's UUID, or `sentry`.
    pub id: Option<String>,
    /// `Jane Schmidt`, `Sentry`.
    pub name: Option<String>,
}

/// A project.
#[facts]
pub struct Project {
    /// A number, as text.
    pub id: Option<String>,
    /// `front-end`.
    pub slug: Option<String>,
    /// `Front End`.
    pub name: Option<String>,
}

/// A user or a team.
#[facts]
pub struct Assignee {
    /// `user`, `team`.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// A number, as text.
    pub id: Option<String>,
    /// `Jane Schmidt`. A team has a name only if the event is about its assignment.
    pub name: Option<String>,
    /// `bakers`. Only a team has one.
    pub slug: Option<String>,
    /// Only a user has one.
    pub email: Option<String>,
}
