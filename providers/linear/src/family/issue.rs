//! Issues and their SLAs. The same reader serves the issue of a comment, notification or
//! session, which has fewer fields.

use crate::facts::{Issue, Sla};
use crate::outline::Outline;
use crate::{people, strict};
use triggerhouse_sdk::limits::NAME_BYTES_MAX;
use triggerhouse_sdk::prelude::*;

/// `Issue`: created, updated or removed. Archiving counts as removal.
pub fn issue(payload: &Payload<'_>, outline: &mut Outline) -> Result<(), ReadError> {
    let entity = payload.object("/data")?;
    let name = subject(&entity, outline)?;
    let verb = match outline.facts.action.as_str() {
        "update" => change(outline),
        _ => outline.facts.verb(),
    };
    outline.headline = name.told("Issue", &verb);
    Ok(())
}

/// `IssueSLA`. Its issue is at `issueData`.
pub fn sla(payload: &Payload<'_>, outline: &mut Outline) -> Result<(), ReadError> {
    let entity = payload.object("/issueData")?;
    let name = subject(&entity, outline)?;
    outline.facts.sla = Some(Sla {
        kind: entity.name("/slaType"),
        started_at: entity.name("/slaStartedAt"),
        medium_risk_at: entity.name("/slaMediumRiskAt"),
        high_risk_at: entity.name("/slaHighRiskAt"),
        breaches_at: entity.name("/slaBreachesAt"),
    });
    let verb = match outline.facts.action.as_str() {
        "highRisk" => "at high risk".into(),
        _ => outline.facts.verb(),
    };
    outline.headline = name.told("SLA of issue", &verb);
    Ok(())
}

/// The issue that an event itself is about, which must have an id and a title.
fn subject(entity: &Payload<'_>, outline: &mut Outline) -> Result<Name, ReadError> {
    entity.id("/id")?;
    entity.text("/title")?;
    let name = describe(entity, outline)?;
    outline
        .facts
        .created_by(entity, "/creator", "/externalUserCreator")?;
    Ok(name)
}

/// Reads the section, and the facts that filters decide on.
pub fn describe(issue: &Payload<'_>, outline: &mut Outline) -> Result<Name, ReadError> {
    let facts = &mut outline.facts;
    facts.teams = strict::teams(issue)?;
    facts.project = strict::project(issue)?;
    facts.state = strict::state(issue, "/state")?;
    facts.priority = strict::whole_number(issue, "/priority")?;
    (facts.labels, facts.label_ids) = strict::labels(issue)?;
    facts.assignee = people::person(issue, "/assignee")?;
    let number = strict::whole_number(issue, "/number")?;
    let title = issue.short_text_opt("/title")?;
    let key = facts.teams.first().and_then(|team| team.key.as_deref());
    // Payloads of 2023 lack the identifier, but have its two parts.
    let identifier = issue.name("/identifier").or_else(|| {
        let identifier = format!("{}-{}", key?, number?);
        Some(shorten(&identifier, NAME_BYTES_MAX))
    });
    let section = Issue {
        id: issue.short_id_opt("/id")?,
        identifier,
        number,
        title,
        url: issue.link("/url"),
        description: issue.prose("/description"),
        priority_label: issue.name("/priorityLabel"),
        estimate: issue.value_at("/estimate").and_then(|value| value.as_f64()),
        due_date: issue.name("/dueDate"),
        cycle: issue
            .name("/cycle/name")
            .or_else(|| issue.ident("/cycle/number")),
        milestone: issue
            .name("/projectMilestone/name")
            .or_else(|| issue.name("/milestone/name")),
        parent_id: issue.name("/parentId"),
        delegate: people::person(issue, "/delegate").ok().flatten(),
        previous_identifiers: issue.names("/previousIdentifiers", ""),
        started_at: issue.name("/startedAt"),
        completed_at: issue.name("/completedAt"),
        canceled_at: issue.name("/canceledAt"),
    };
    let name = Name {
        identifier: section.identifier.clone(),
        title: section.title.clone(),
    };
    outline.url.clone_from(&section.url);
    outline.facts.issue = Some(section);
    Ok(name)
}

/// The name of an issue, or of another thing that people comment on.
pub struct Name {
    identifier: Option<String>,
    title: Option<String>,
}

impl Name {
    /// The name of another thing: `a project`, and its own name.
    pub fn of(identifier: Option<String>, title: Option<String>) -> Self {
        Self { identifier, title }
    }

    /// `Issue ENG-1 created: Crash`, without the parts that are unknown.
    pub fn told(&self, noun: &str, verb: &str) -> String {
        let identifier = tail(" ", self.identifier.as_deref());
        let title = tail(": ", self.title.as_deref());
        format!("{noun}{identifier} {verb}{title}")
    }

    /// `verb ENG-1: Crash`, without the parts that are unknown.
    pub fn after(&self, verb: &str) -> String {
        let known = self.identifier.as_deref().unwrap_or("an issue");
        format!("{verb} {known}{}", tail(": ", self.title.as_deref()))
    }
}

/// An update in words: its most important change.
fn change(outline: &Outline) -> String {
    let facts = &outline.facts;
    let state = facts.state.as_ref().and_then(|state| state.name.as_deref());
    let assignee = facts.assignee.as_ref();
    let assignee = assignee.and_then(|assignee| assignee.known_by().next());
    match (state, assignee) {
        (Some(state), _) if outline.facts.has_changed("stateId") => format!("moved to {state}"),
        (_, Some(name)) if outline.facts.has_changed("assigneeId") => format!("assigned to {name}"),
        (_, None) if outline.facts.has_changed("assigneeId") => "unassigned".into(),
        _ => "updated".into(),
    }
}
