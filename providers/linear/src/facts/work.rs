//! Sections about work: issues, their SLAs and comments, projects, updates, and the subject
//! of every event that has no section of its own.

use super::Person;
use triggerhouse_sdk::facts;

/// An issue. Filters decide on fields beside this section.
#[facts]
pub struct Issue {
    pub id: Option<String>,
    /// `ENG-123`.
    pub identifier: Option<String>,
    pub number: Option<i64>,
    pub title: Option<String>,
    pub url: Option<String>,
    pub description: Option<String>,
    /// `Urgent`, `High`, `Medium`, `Low`, `No priority`.
    pub priority_label: Option<String>,
    /// Points.
    pub estimate: Option<f64>,
    /// `2026-01-31`.
    pub due_date: Option<String>,
    /// The cycle's name, or its number.
    pub cycle: Option<String>,
    /// The project milestone's name.
    pub milestone: Option<String>,
    /// The issue that it is part of.
    pub parent_id: Option<String>,
    /// The agent that works on it for the assignee.
    pub delegate: Option<Person>,
    /// The identifiers it had before it moved between teams.
    pub previous_identifiers: Vec<String>,
    pub started_at: Option<String>,
    pub completed_at: Option<String>,
    pub canceled_at: Option<String>,
}

/// The service level agreement of an issue. Times are in Linear's format.
#[facts]
pub struct Sla {
    /// `all` or `onlyBusinessDays`.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    pub started_at: Option<String>,
    pub medium_risk_at: Option<String>,
    pub high_risk_at: Option<String>,
    pub breaches_at: Option<String>,
}

/// A comment.
#[facts]
pub struct Comment {
    pub id: Option<String>,
    pub body: Option<String>,
    pub quoted_text: Option<String>,
    /// The comment that this one answers.
    pub parent_id: Option<String>,
    /// The kind of thing commented on: `issue`, `project`, `project update`, `initiative`,
    /// `initiative update`, `document`.
    pub on: Option<String>,
    /// That thing's id.
    pub on_id: Option<String>,
}

/// A project. That of an issue or document has `id`, `name` and `url` only.
#[facts]
pub struct Project {
    pub id: Option<String>,
    pub name: Option<String>,
    pub url: Option<String>,
    pub description: Option<String>,
    /// `onTrack`, `atRisk`, `offTrack`.
    pub health: Option<String>,
    pub lead: Option<Person>,
    /// `2026-01-01`.
    pub start_date: Option<String>,
    /// `2026-01-31`.
    pub target_date: Option<String>,
}

/// A report on the progress of a project or initiative.
#[facts]
pub struct Update {
    pub id: Option<String>,
    pub body: Option<String>,
    /// `onTrack`, `atRisk`, `offTrack`.
    pub health: Option<String>,
    /// The initiative's name, for an initiative's update.
    pub initiative: Option<String>,
}

/// The subject of any other event.
#[facts]
pub struct Subject {
    /// The thing in words: `Customer request`.
    #[serde(rename = "type")]
    pub kind: String,
    pub id: Option<String>,
    /// The name, title or number.
    pub name: Option<String>,
    /// The page, or the target of an attachment.
    pub url: Option<String>,
    pub status: Option<String>,
    pub description: Option<String>,
    /// The issue that it belongs to.
    pub issue_id: Option<String>,
}
