//! The older "WebHooks" plugin of a project: a triggered rule sends an event in the form in
//! which Sentry stores it.

use super::{event, strict};
use crate::facts::Project;
use crate::outline::Outline;
use crate::place;
use triggerhouse_sdk::limits::LIST_ITEMS_MAX;
use triggerhouse_sdk::prelude::*;

/// Reads the plugin's body.
pub fn read(payload: &Payload<'_>, outline: &mut Outline) -> Result<(), ReadError> {
    let entity = payload.object("/event")?;
    let mut event = event::describe(&entity, outline)?;
    let facts = &mut outline.facts;
    facts.project = Some(Project {
        id: entity.short_id_opt("/project")?,
        slug: payload.short_text_opt("/project_slug")?,
        name: payload.name("/project_name"),
    });
    // The outer values come from the issue, and the rule has judged them.
    facts.level = payload.short_text_opt("/level")?.or(facts.level.take());
    facts.rules = strict::names(payload, "/triggering_rules", LIST_ITEMS_MAX)?;
    facts.issue_id = payload.ident("/id");
    facts.organization = payload
        .raw("/url")
        .and_then(place::organization_of)
        .map(str::to_owned);
    event.id = event.id.or_else(|| entity.ident("/id"));
    event.message = payload.prose("/message").or(event.message);
    event.culprit = payload.name("/culprit").or(event.culprit);
    event.url = payload.link("/url");
    let rules = match facts.rules.join(", ") {
        rules if rules.is_empty() => rules,
        rules => format!(" ({rules})"),
    };
    let verb = outline.facts.verb();
    event::finish(&format!("Issue alert {verb}{rules}"), event, outline);
    Ok(())
}
