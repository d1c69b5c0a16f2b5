//! Any other resource: what can be said without knowing it. All of it is read leniently,
//! for nothing is documented that it could contradict.

use super::lenient;
use crate::facts::{Project, Subject};
use crate::outline::Outline;
use triggerhouse_sdk::prelude::*;

/// Reads an unknown resource: `{data: {<resource>: {…}}}`, or `{data: {…}}`.
pub fn read(payload: &Payload<'_>, outline: &mut Outline) -> Result<(), ReadError> {
    let resource = outline.facts.resource.clone();
    let own = payload.object_opt(&format!("/data/{resource}"));
    let data = payload.object_opt("/data").ok().flatten();
    let entity = own.ok().flatten().or_else(|| data.clone());
    let subject = entity.as_ref().map(describe).unwrap_or_default();
    outline.facts.project = [entity, data].iter().flatten().find_map(project);
    let name = subject.name.as_deref().or(subject.id.as_deref());
    let name = name.map(|name| format!(": {name}")).unwrap_or_default();
    outline.headline = format!("{} {}{name}", words(&resource), outline.verb());
    if name.is_empty() {
        outline.headline = outline.headline.trim_end().to_owned();
    }
    outline.url.clone_from(&subject.url);
    outline.facts.subject = (subject != Subject::default()).then_some(subject);
    Ok(())
}

fn describe(entity: &Payload<'_>) -> Subject {
    let links = ["/web_url", "/permalink", "/url"];
    Subject {
        id: lenient::id(entity, "/id"),
        name: entity.name("/title").or_else(|| entity.name("/name")),
        // An address in Sentry's API is no page.
        url: links
            .iter()
            .filter_map(|pointer| entity.link(pointer))
            .find(|link| !link.contains("/api/0/")),
        state: entity.name("/status").or_else(|| entity.name("/state")),
    }
}

fn project(entity: &Payload<'_>) -> Option<Project> {
    let slugs = ["/project/slug", "/project_slug", "/projectSlug"];
    let ids = ["/project/id", "/project_id", "/projectId"];
    let project = Project {
        id: ids.iter().find_map(|pointer| lenient::id(entity, pointer)),
        slug: slugs.iter().find_map(|pointer| entity.name(pointer)),
        name: entity.name("/project/name"),
    };
    (project != Project::default()).then_some(project)
}

/// `bread_order` is `Bread order`.
fn words(resource: &str) -> String {
    let words = resource.replace('_', " ");
    let mut letters = words.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}
