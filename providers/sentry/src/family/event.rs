//! `event_alert` and `error`: one report of a program, with or without the rule that asked for
//! it. These payloads have the id of the issue and no issue.

use super::{lenient, stack, strict};
use crate::facts::{Event, Occurrence, Project};
use crate::outline::Outline;
use crate::place;
use triggerhouse_sdk::prelude::*;

/// `event_alert`: a report triggered the rule of an issue alert.
pub fn alert(payload: &Payload<'_>, outline: &mut Outline) -> Result<(), ReadError> {
    let entity = payload.object("/data/event")?;
    // Both name the same rule. A form in the rule's user interface adds the second.
    let rule = payload.short_text_opt("/data/triggered_rule")?;
    let titled = payload.short_text_opt("/data/issue_alert/title")?;
    outline.facts.rules = rule.or(titled).into_iter().collect();
    locate(&entity, outline)?;
    let event = describe(&entity, outline)?;
    let rule = aside(outline.facts.rules.first());
    let verb = outline.facts.verb();
    finish(&format!("Issue alert {verb}{rule}"), event, outline);
    Ok(())
}

/// `error`: a program reported an error.
pub fn error(payload: &Payload<'_>, outline: &mut Outline) -> Result<(), ReadError> {
    let entity = payload.object("/data/error")?;
    locate(&entity, outline)?;
    let event = describe(&entity, outline)?;
    let verb = outline.facts.verb();
    finish(&format!("Error {verb}"), event, outline);
    Ok(())
}

/// Reads project, organization and issue. `project` is a number; only the event's URL has the
/// slug.
fn locate(entity: &Payload<'_>, outline: &mut Outline) -> Result<(), ReadError> {
    let address = entity.text_opt("/url")?;
    let slugs = address.and_then(place::project_of);
    outline.facts.project = known(Project {
        id: entity.short_id_opt("/project")?,
        slug: slugs.map(|(_, project)| project.to_owned()),
        name: None,
    });
    outline.facts.organization = slugs
        .map(|(organization, _)| organization)
        .or_else(|| place::organization_of(entity.raw("/web_url")?))
        .map(str::to_owned);
    outline.facts.issue_id = entity.ident("/issue_id");
    Ok(())
}

/// Reads the section, the tags, and the facts that may be in the tags only. Also reads the
/// event of the older plugin.
pub fn describe(entity: &Payload<'_>, outline: &mut Outline) -> Result<Event, ReadError> {
    let facts = &mut outline.facts;
    facts.tags = strict::tags(entity, "/tags")?;
    let tag = |key: &str| facts.tags.get(key).cloned();
    // Events of older programs have these two as tags only.
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
        id: entity.ident("/event_id"),
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

/// Sentry's own finding. Its keys are in camel case, unlike the rest of an event.
fn occurrence(entity: &Payload<'_>) -> Option<Occurrence> {
    known(Occurrence {
        title: entity.name("/occurrence/issueTitle"),
        subtitle: entity.name("/occurrence/subtitle"),
        kind: entity.number("/occurrence/type"),
    })
}

/// Puts an event into the outline, with a headline that starts with `what`.
pub fn finish(what: &str, event: Event, outline: &mut Outline) {
    let title = event.title.as_deref().or(event.message.as_deref());
    outline.headline = format!("{what}: {}", title.unwrap_or("(no title)"));
    outline.url = outline.url.take().or_else(|| event.url.clone());
    outline.facts.event = Some(event);
}
