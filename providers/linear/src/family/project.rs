//! Projects, initiatives, and what people write about their progress.

use crate::facts::{Project, State, Subject, Update};
use crate::outline::Outline;
use crate::{people, strict};
use triggerhouse_sdk::limits::NAME_BYTES_MAX;
use triggerhouse_sdk::prelude::*;

/// `Project`.
pub fn project(payload: &Payload<'_>, outline: &mut Outline) -> Result<(), ReadError> {
    let entity = payload.object("/data")?;
    let (id, name) = (entity.id("/id")?, entity.short_text("/name")?);
    let facts = &mut outline.facts;
    facts.teams = strict::teams(&entity)?;
    facts.state = strict::state(&entity, "/status")?;
    // Before 2024 a project had no status with a name, only a word for its type.
    if let Some(kind) = entity.short_text_opt("/state")? {
        facts.state.get_or_insert_default().kind.get_or_insert(kind);
    }
    facts.priority = strict::whole_number(&entity, "/priority")?;
    (facts.labels, facts.label_ids) = strict::labels(&entity)?;
    facts.creator = people::person(&entity, "/creator")?;
    facts.project = Some(Project {
        id: Some(shorten(&id, NAME_BYTES_MAX)),
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
        Some(status) if outline.has_changed("statusId") => format!("moved to {status}"),
        _ => outline.verb(),
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
    let id = entity.id("/id")?;
    outline.facts.creator = people::person(entity, "/user")?;
    outline.url = entity.link("/url");
    let health = entity.name("/health");
    let shown = health.as_deref().map(crate::outline::words);
    let verb = match outline.facts.action.as_str() {
        // "Project update updated" would need to be read twice.
        "update" => "edited".into(),
        _ => outline.verb(),
    };
    outline.headline = format!(
        "{noun} {verb}{}{}",
        about.map(|about| format!(": {about}")).unwrap_or_default(),
        shown
            .map(|health| format!(" ({health})"))
            .unwrap_or_default(),
    );
    outline.facts.update = Some(Update {
        id: Some(shorten(&id, NAME_BYTES_MAX)),
        body: entity.prose("/body"),
        health,
        initiative,
    });
    Ok(())
}

/// `Initiative`: has a priority and labels as a project has, but a status that is a
/// plain word, and no team of its own.
pub fn initiative(payload: &Payload<'_>, outline: &mut Outline) -> Result<(), ReadError> {
    let entity = payload.object("/data")?;
    let (id, name) = (entity.id("/id")?, entity.short_text("/name")?);
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
        id: Some(shorten(&id, NAME_BYTES_MAX)),
        name: Some(name.clone()),
        url: entity.link("/url"),
        status,
        description: entity.prose("/description"),
        ..Subject::default()
    });
    outline.url = entity.link("/url");
    outline.headline = format!("Initiative {}: {name}", outline.verb());
    Ok(())
}
