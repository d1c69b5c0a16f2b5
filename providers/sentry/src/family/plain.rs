//! Any other resource. The readers are lenient, because there is no documentation that a value
//! could contradict.

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
    let noun = capitalized(&resource.replace('_', " "));
    outline.headline = format!("{noun} {}{}", outline.facts.verb(), tail(": ", name));
    outline.url.clone_from(&subject.url);
    outline.facts.subject = known(subject);
    Ok(())
}

fn describe(entity: &Payload<'_>) -> Subject {
    let links = ["/web_url", "/permalink", "/url"];
    Subject {
        id: entity.ident("/id"),
        name: entity.name("/title").or_else(|| entity.name("/name")),
        // A URL of Sentry's API is not a page.
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
    known(Project {
        id: ids.iter().find_map(|pointer| entity.ident(pointer)),
        slug: slugs.iter().find_map(|pointer| entity.name(pointer)),
        name: entity.name("/project/name"),
    })
}
