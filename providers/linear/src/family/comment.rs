//! Comments and reactions. The creator is their author, not the creator of the thing that they
//! are on.

use super::issue;
use crate::facts::{Comment, Project, Subject};
use crate::outline::Outline;
use crate::strict;
use triggerhouse_sdk::prelude::*;

/// `Comment`: on an issue, a project, an initiative, their updates or a document.
pub fn comment(payload: &Payload<'_>, outline: &mut Outline) -> Result<(), ReadError> {
    let entity = payload.object("/data")?;
    let id = entity.short_id("/id")?;
    let place = place(&entity, outline)?;
    outline
        .facts
        .created_by(&entity, "/user", "/externalUser")?;
    let comment = Comment {
        id: Some(id),
        body: entity.prose("/body"),
        quoted_text: entity.prose("/quotedText"),
        parent_id: entity.name("/parentId"),
        on: place.noun.map(str::to_owned),
        on_id: place.id,
    };
    let verb = outline.facts.verb();
    outline.headline = match (place.noun, &comment.body) {
        (Some(_), _) => place.name.after(&format!("Comment {verb} on")),
        // A removed comment of 2021 does not even name its issue.
        (None, Some(body)) => format!("Comment {verb}: {}", first_line(body.trim())),
        (None, None) => format!("Comment {verb}"),
    };
    outline.facts.comment = Some(comment);
    Ok(())
}

/// `Reaction`: on an issue, a comment or an update.
pub fn reaction(payload: &Payload<'_>, outline: &mut Outline) -> Result<(), ReadError> {
    let entity = payload.object("/data")?;
    let id = entity.short_id("/id")?;
    let place = place(&entity, outline)?;
    outline
        .facts
        .created_by(&entity, "/user", "/externalUser")?;
    let emoji = entity.name("/emoji");
    let verb = outline.facts.verb();
    let on_comment = entity.object_opt("/comment").ok().flatten();
    let shown = emoji.as_deref().unwrap_or_default();
    outline.headline = match (place.noun, &on_comment) {
        (Some(_), _) => place.name.after(&format!("Reaction {shown} {verb} on")),
        (None, Some(comment)) => {
            let body = first_line(comment.raw("/body").unwrap_or_default().trim());
            format!("Reaction {shown} {verb} on a comment: {body}")
        }
        (None, None) => format!("Reaction {shown} {verb}"),
    };
    outline.facts.comment = on_comment.map(|comment| Comment {
        id: comment.name("/id"),
        body: comment.prose("/body"),
        ..Comment::default()
    });
    outline.facts.subject = Some(Subject {
        kind: "Reaction".into(),
        id: Some(id),
        name: emoji,
        ..Subject::default()
    });
    Ok(())
}

/// The thing that a comment or reaction is on.
struct Place {
    noun: Option<&'static str>,
    id: Option<String>,
    name: issue::Name,
}

/// Things other than issues: the pointer to the id, the noun, and the pointers to the name or
/// title.
const OTHERS: &[(&str, &str, &[&str])] = &[
    (
        "/projectUpdateId",
        "project update",
        &["/projectUpdate/project/name"],
    ),
    (
        "/initiativeUpdateId",
        "initiative update",
        &["/initiativeUpdate/initiative/name"],
    ),
    (
        "/documentContentId",
        "document",
        &[
            "/documentContent/document/title",
            "/documentContent/project/name",
        ],
    ),
    ("/projectId", "project", &["/project/name"]),
    ("/initiativeId", "initiative", &["/initiative/name"]),
];

fn place(entity: &Payload<'_>, outline: &mut Outline) -> Result<Place, ReadError> {
    let issue = entity.object_opt("/issue")?;
    if let Some(issue) = &issue {
        let name = issue::describe(issue, outline)?;
        let id = issue.name("/id").or_else(|| entity.name("/issueId"));
        return Ok(Place {
            noun: Some("issue"),
            id,
            name,
        });
    }
    outline.facts.project = project(entity)?;
    let mut others = OTHERS.iter();
    let other = others.find(|(id, ..)| entity.has(id));
    let issue_id = entity.name("/issueId");
    let title = other.and_then(|(_, _, names)| names.iter().find_map(|name| entity.name(name)));
    Ok(Place {
        noun: other.map(|(_, noun, _)| *noun),
        id: other.and_then(|(id, ..)| entity.name(id)).or(issue_id),
        name: issue::Name::of(other.map(|(_, noun, _)| with_article(noun)), title),
    })
}

/// The project that a comment is on, directly or through an update or document.
fn project(entity: &Payload<'_>) -> Result<Option<Project>, ReadError> {
    for pointer in [
        "",
        "/projectUpdate",
        "/documentContent",
        "/documentContent/document",
    ] {
        let Some(owner) = entity.object_opt(pointer)? else {
            continue;
        };
        let project = strict::project(&owner)?;
        if project.is_some() {
            return Ok(project);
        }
    }
    Ok(None)
}

fn with_article(noun: &str) -> String {
    let article = if noun.starts_with('i') { "an" } else { "a" };
    format!("{article} {noun}")
}
