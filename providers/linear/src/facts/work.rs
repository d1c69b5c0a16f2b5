//! Sections about work: issues, their SLAs and comments, projects, updates, and the
//! subject of every event that has no section of its own.

use super::Person;
use serde::{Deserialize, Serialize};

/// An issue. What filters decide on stands beside the section.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Issue {
    /// Linear's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// `ENG-123`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identifier: Option<String>,
    /// Its number in the team.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number: Option<i64>,
    /// Its title.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Its page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Its text, shortened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// `Urgent`, `High`, `Medium`, `Low`, `No priority`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority_label: Option<String>,
    /// Points.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub estimate: Option<f64>,
    /// `2026-01-31`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due_date: Option<String>,
    /// The cycle's name, or its number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cycle: Option<String>,
    /// The project milestone's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub milestone: Option<String>,
    /// The issue that it is a part of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent_id: Option<String>,
    /// The agent that works on it for the assignee.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delegate: Option<Person>,
    /// What it was called before it moved between teams.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub previous_identifiers: Vec<String>,
    /// When work began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started_at: Option<String>,
    /// When it was completed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub completed_at: Option<String>,
    /// When it was canceled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub canceled_at: Option<String>,
}

/// An issue's service level agreement. Times as Linear writes them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Sla {
    /// `all` or `onlyBusinessDays`.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Since when it runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started_at: Option<String>,
    /// When it is at medium risk.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub medium_risk_at: Option<String>,
    /// When it is at high risk.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub high_risk_at: Option<String>,
    /// When it is breached.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub breaches_at: Option<String>,
}

/// A comment.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Comment {
    /// Linear's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Its text, shortened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// What it quotes, shortened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quoted_text: Option<String>,
    /// The comment that it answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent_id: Option<String>,
    /// What it is on: `issue`, `project`, `project update`, `initiative`, `initiative update`, `document`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on: Option<String>,
    /// That thing's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_id: Option<String>,
}

/// A project; of an issue's or document's, no more than `id`, `name` and `url`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Project {
    /// Linear's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Its summary, shortened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// `onTrack`, `atRisk`, `offTrack`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub health: Option<String>,
    /// Who leads it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lead: Option<Person>,
    /// `2026-01-01`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_date: Option<String>,
    /// `2026-01-31`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_date: Option<String>,
}

/// What somebody wrote about a project's or initiative's progress.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Update {
    /// Linear's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Its text, shortened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// `onTrack`, `atRisk`, `offTrack`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub health: Option<String>,
    /// The initiative's name, of an initiative's update.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub initiative: Option<String>,
}

/// What any other event is about.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Subject {
    /// In words: `Customer request`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Linear's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Its name, title or number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its page, or what an attachment leads to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Its status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// Its text, shortened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The issue that it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issue_id: Option<String>,
}
