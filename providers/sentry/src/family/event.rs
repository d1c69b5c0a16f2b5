//! `event_alert` and `error`: one report of a program, with or without a rule that asked
//! for it. There is no issue in these payloads, only its id.

use super::{lenient, stack, strict};
use crate::facts::{Event, Occurrence, Project};
use crate::outline::Outline;
use crate::place;
use triggerhouse_sdk::prelude::*;

/// `event_alert`: an issue alert's rule was triggered.
pub fn alert(payload: &Payload<'_>, outline: &mut Outline) -> Result<(), ReadError> {
    let entity = payload.object("/data/event")?;
    // The two name the same rule; a rule's form in the user interface adds the second.
    let rule = payload.short_text_opt("/data/triggered_rule")?;
    let titled = payload.short_text_opt("/data/issue_alert/title")?;
    outline.facts.rules = rule.or(titled).into_iter().collect();
    locate(&entity, outline)?;
    let event = describe(&entity, outline)?;
    let rule = outline.facts.rules.first();
    let rule = rule.map(|rule| format!(" ({rule})")).unwrap_or_default();
    let verb = outline.verb();
    finish(&format!("Issue alert {verb}{rule}"), event, outline);
    Ok(())
}

/// `error`: an error was reported.
pub fn error(payload: &Payload<'_>, outline: &mut Outline) -> Result<(), ReadError> {
    let entity = payload.object("/data/error")?;
    locate(&entity, outline)?;
    let event = describe(&entity, outline)?;
    let verb = outline.verb();
    finish(&format!("Error {verb}"), event, outline);
    Ok(())
}

/// `project` is a number here. The slug stands in the event's address alone.
fn locate(entity: &Payload<'_>, outline: &mut Outline) -> Result<(), ReadError> {
    let address = entity.text_opt("/url")?;
    let slugs = address.and_then(place::project_of);
    let project = Project {
        id: strict::id(entity, "/project")?,
        slug: slugs.map(|(_, project)| project.to_owned()),
        name: None,
    };
    outline.facts.project = (project != Project::default()).then_some(project);
    outline.facts.organization = slugs
        .map(|(organization, _)| organization)
        .or_else(|| place::organization_of(entity.raw("/web_url")?))
        .map(str::to_owned);
    outline.facts.issue_id = lenient::id(entity, "/issue_id");
    Ok(())
}

/// The section, the tags and what stands beside them or only in them. The older
/// plugin's event is read by it as well.
pub fn describe(entity: &Payload<'_>, outline: &mut Outline) -> Result<Event, ReadError> {
    let facts = &mut outline.facts;
    facts.tags = strict::tags(entity, "/tags")?;
    let tag = |key: &str| facts.tags.get(key).cloned();
    // Events of older programs carry these two as tags alone.
    facts.level = entity.short_text_opt("/level")?.or_else(|| tag("level"));
    facts.environment = entity
        .short_text_opt("/environment")?
        .or_else(|| tag("environment"));
    let release = entity.name("/release").or_else(|| tag("release"));
    facts.platform = entity.short_text_opt("/platform")?;
    outline.occurred_at =
        lenient::moment(entity, "/datetime").or_else(|| lenient::moment(entity, "/timestamp"));
    let occurrence = occurrence(entity);
    Ok(Event {
        id: lenient::id(entity, "/event_id"),
        title: entity
            .name("/title")
            .or_else(|| occurrence.as_ref()?.title.clone()),
        message: entity
            .prose("/message")
            .or_else(|| entity.prose("/logentry/formatted")),
        culprit: entity.name("/culprit"),
        url: entity.link("/web_url"),
        kind: entity.name("/type"),
        release,
        dist: entity.name("/dist"),
        transaction: entity.name("/transaction"),
        logger: entity.name("/logger"),
        sdk: entity.name("/sdk/name"),
        exception: stack::exception(entity),
        frames: stack::frames(entity),
        occurrence,
    })
}

/// Unlike the rest of an event, this one is written in camel case.
fn occurrence(entity: &Payload<'_>) -> Option<Occurrence> {
    let occurrence = Occurrence {
        title: entity.name("/occurrence/issueTitle"),
        subtitle: entity.name("/occurrence/subtitle"),
        kind: entity.number("/occurrence/type"),
    };
    (occurrence != Occurrence::default()).then_some(occurrence)
}

/// Puts an event into the outline, under a title that starts with `what`.
pub fn finish(what: &str, event: Event, outline: &mut Outline) {
    let title = event.title.as_deref().or(event.message.as_deref());
    outline.headline = format!("{what}: {}", title.unwrap_or("(no title)"));
    outline.url = outline.url.take().or_else(|| event.url.clone());
    outline.facts.event = Some(event);
}
