//! The many small types, each a row of one table. The same code reads the types that Linear
//! adds later.

use crate::facts::Subject;
use crate::outline::{Outline, words};
use crate::{people, strict};
use triggerhouse_sdk::prelude::*;

/// The types: Linear's name, the noun for titles, and the pointers to a thing's name.
const ROWS: &[(&str, &str, &[&str])] = &[
    ("Attachment", "Attachment", &["/title", "/url"]),
    ("AuditEntry", "Audit entry", &["/type"]),
    ("Customer", "Customer", &["/name"]),
    (
        "CustomerNeed",
        "Customer request",
        &["/customer/name", "/issue/title", "/project/name"],
    ),
    ("Cycle", "Cycle", &["/name", "/number"]),
    ("Document", "Document", &["/title"]),
    ("InitiativeLabel", "Initiative label", &["/name"]),
    ("IssueLabel", "Label", &["/name"]),
    ("ProjectLabel", "Project label", &["/name"]),
    ("Release", "Release", &["/name", "/version"]),
    ("ReleaseNote", "Release note", &["/title"]),
    ("User", "User", &["/name", "/displayName"]),
];

/// The pointers to a thing's name, for types without a row. Never a `key`, `secret` or `token`.
const NAMES: &[&str] = &["/title", "/name", "/displayName", "/identifier", "/number"];

/// The types with a reader of their own that Linear creates, updates and removes.
const READ_ELSEWHERE: &[&str] = &[
    "Issue",
    "Comment",
    "Reaction",
    "Project",
    "ProjectUpdate",
    "Initiative",
    "InitiativeUpdate",
];

/// True for a type whose only actions are `create`, `update` and `remove`, ignoring case.
pub fn is_entity(kind: &str) -> bool {
    let rows = ROWS.iter().map(|(kind, ..)| kind);
    rows.chain(READ_ELSEWHERE)
        .any(|entity| entity.eq_ignore_ascii_case(kind))
}

/// Reads every type without a reader of its own.
pub fn read(payload: &Payload<'_>, outline: &mut Outline) -> Result<(), ReadError> {
    let kind = outline.facts.kind.clone();
    let row = ROWS.iter().find(|(known, ..)| *known == kind);
    let (noun, names) = match row {
        Some((_, noun, names)) => ((*noun).to_owned(), *names),
        None => (capitalized(&words(&kind)), NAMES),
    };
    let entity = match row {
        Some(_) => Some(payload.object("/data")?),
        None => unknown_entity(payload, &kind),
    };
    let subject = entity.as_ref().map(|entity| subject(entity, names));
    let subject = Subject {
        kind: noun,
        ..subject.unwrap_or_default()
    };
    let name = tail(": ", subject.name.as_deref());
    outline.headline = format!("{} {}{name}", subject.kind, outline.facts.verb());
    outline.url.clone_from(&subject.url);
    if let Some(entity) = &entity {
        let decided = decide(entity, &kind, outline);
        // These keys may mean anything in a new type. Reading stops at the first that
        // fails, and a filter that asks for one of the rest rejects.
        if row.is_some() {
            decided?;
        }
    }
    outline.facts.subject = Some(subject);
    Ok(())
}

/// Reads the facts that filters decide on. Not the priority: that of a customer request has
/// another scale, on which 1 is not urgent.
fn decide(entity: &Payload<'_>, kind: &str, outline: &mut Outline) -> Result<(), ReadError> {
    let facts = &mut outline.facts;
    facts.teams = strict::teams(entity)?;
    if facts.teams.is_empty()
        && let Some(issue) = entity.object_opt("/issue")?
    {
        facts.teams = strict::teams(&issue)?;
    }
    facts.project = strict::project(entity)?;
    facts.creator = match kind {
        "AuditEntry" => people::person(entity, "/actor")?,
        _ => people::person(entity, "/creator")?,
    };
    match kind {
        "Release" => facts.state = strict::state(entity, "/stage")?,
        // The label itself, so that `labels` matches changes to a label.
        "IssueLabel" | "ProjectLabel" | "InitiativeLabel" => {
            facts.labels.extend(entity.short_text_opt("/name")?);
            facts.label_ids.extend(entity.short_text_opt("/id")?);
        }
        _ => {}
    }
    Ok(())
}

fn subject(entity: &Payload<'_>, names: &[&str]) -> Subject {
    Subject {
        kind: String::new(),
        id: entity.ident("/id"),
        name: names.iter().find_map(|pointer| entity.ident(pointer)),
        url: entity.link("/url"),
        status: entity
            .name("/status/displayName")
            .or_else(|| entity.name("/status")),
        description: ["/description", "/body", "/content"]
            .iter()
            .find_map(|pointer| entity.prose(pointer)),
        issue_id: entity.name("/issueId"),
    }
}

/// The thing of a new type: most likely at `data`, or under the type's name as `agentSession`
/// is.
fn unknown_entity<'a>(payload: &Payload<'a>, kind: &str) -> Option<Payload<'a>> {
    let mut letters = kind.chars();
    let first = letters.next().into_iter().flat_map(char::to_lowercase);
    let own: String = first.chain(letters).collect();
    let keys = ["data", own.as_str()].into_iter();
    let mut values = keys.filter_map(|key| payload.value().get(key));
    values.find(|value| value.is_object()).map(Payload::new)
}
