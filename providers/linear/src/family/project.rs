//! Projects, initiatives, and reports on their progress.

use crate::facts::{Project, State, Subject, Update};
use crate::outline::{Outline, words};
use crate::{people, strict};
use triggerhouse_sdk::prelude::*;

/// `Project`.
pub fn project(payload: &Payload<'_>, outline: &mut Outline) -> Result<(), ReadError> {
    let entity = payload.object("/data")?;
    let (id, name) = (entity.short_id("/id")?, entity.short_text("/name")?);
    let facts = &mut outline.facts;
    facts.teams = strict::teams(&entity)?;
    facts.state = strict::state(&entity, "/status")?;
    // Before 2024 a project had no named status, only a word for its type.
    if let Some(kind) = entity.short_text_opt("/state")? {
        facts.state.get_or_insert_default().kind.get_or_insert(kind);
    }
    facts.priority = strict::whole_number(&entity, "/priority")?;
    (facts.labels, facts.label_ids) = strict::labels(&entity)?;
    facts.creator = people::person(&entity, "/creator")?;
    facts.project = Some(Project {
        id: Some(id),
        name: Some(name.clone()),
        url: entity.link("/url"),
        description: entity.prose("/description"),
        health: entity.name("/health"),
        lead: people::person(&entity, "/lead").ok().flatten(),
        start_date: entity.name("/startDate"),
        target_date: entity.name("/targetDate"),
    });
    outline.url = entity.link("/url");
    let status = facts.state.as_ref().and_then(|state| state.name.clone());
    let verb = match status {
        Some(status) if outline.facts.has_changed("statusId") => format!("moved to {status}"),
        _ => outline.facts.verb(),
    };
    outline.headline = format!("Project {verb}: {name}");
    Ok(())
}

/// `ProjectUpdate`.
pub fn update(payload: &Payload<'_>, outline: &mut Outline) -> Result<(), ReadError> {
    let entity = payload.object("/data")?;
    outline.facts.project = strict::project(&entity)?;
    let project = outline.facts.project.as_ref();
    let name = project.and_then(|project| project.name.clone());
    tell(&entity, outline, "Project update", name, None)
}

/// `InitiativeUpdate`.
pub fn initiative_update(payload: &Payload<'_>, outline: &mut Outline) -> Result<(), ReadError> {
    let entity = payload.object("/data")?;
    let name = entity.name("/initiative/name");
    tell(&entity, outline, "Initiative update", name.clone(), name)
}

fn tell(
    entity: &Payload<'_>,
    outline: &mut Outline,
    noun: &str,
    about: Option<String>,
    initiative: Option<String>,
) -> Result<(), ReadError> {
    let id = entity.short_id("/id")?;
    outline.facts.creator = people::person(entity, "/user")?;
    outline.url = entity.link("/url");
    let health = entity.name("/health");
    let shown = health.as_deref().map(words);
    let verb = match outline.facts.action.as_str() {
        // "Project update updated" reads badly.
        "update" => "edited".into(),
        _ => outline.facts.verb(),
    };
    outline.headline = format!("{noun} {verb}{}{}", tail(": ", about), aside(shown));
    outline.facts.update = Some(Update {
        id: Some(id),
        body: entity.prose("/body"),
        health,
        initiative,
    });
    Ok(())
}

/// `Initiative`. Like a project it has a priority and labels. Its status is a plain word, and
/// it has no team.
pub fn initiative(payload: &Payload<'_>, outline: &mut Outline) -> Result<(), ReadError> {
    let entity = payload.object("/data")?;
    let (id, name) = (entity.short_id("/id")?, entity.short_text("/name")?);
    let facts = &mut outline.facts;
    facts.priority = strict::whole_number(&entity, "/priority")?;
    (facts.labels, facts.label_ids) = strict::labels(&entity)?;
    facts.creator = people::person(&entity, "/creator")?;
    let status = entity.short_text_opt("/status")?;
    facts.state = status.clone().map(|name| State {
        name: Some(name),
        ..State::default()
    });
    facts.subject = Some(Subject {
        kind: "Initiative".into(),
        id: Some(id),
        name: Some(name.clone()),
        url: entity.link("/url"),
        status,
        description: entity.prose("/description"),
        ..Subject::default()
    });
    outline.url = entity.link("/url");
    outline.headline = format!("Initiative {}: {name}", outline.facts.verb());
    Ok(())
}
