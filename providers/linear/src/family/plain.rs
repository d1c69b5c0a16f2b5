//! The many small types, each a row of one table; and, by the same means, the types
//! that Linear has yet to invent.

use crate::facts::Subject;
use crate::outline::{Outline, words};
use crate::{people, strict};
use serde_json::Value;
use triggerhouse_sdk::limits::NAME_BYTES_MAX;
use triggerhouse_sdk::prelude::*;

/// How one type is told: its name, what people call it, and where their name for
/// one of its kind may stand.
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

/// For types that have no row. Never a `key`, `secret` or `token`.
const NAMES: &[&str] = &["/title", "/name", "/displayName", "/identifier", "/number"];

/// Types with a reader of their own that Linear creates, updates and removes.
const READ_ELSEWHERE: &[&str] = &[
    "Issue",
    "Comment",
    "Reaction",
    "Project",
    "ProjectUpdate",
    "Initiative",
    "InitiativeUpdate",
];

/// Whether this is a type whose only actions are `create`, `update` and `remove`.
/// Case does not matter.
pub fn is_entity(kind: &str) -> bool {
    let rows = ROWS.iter().map(|(kind, ..)| kind);
    rows.chain(READ_ELSEWHERE)
        .any(|entity| entity.eq_ignore_ascii_case(kind))
}

/// Every type without a reader of its own.
pub fn read(payload: &Payload<'_>, outline: &mut Outline) -> Result<(), ReadError> {
    let kind = outline.facts.kind.clone();
    let row = ROWS.iter().find(|(known, ..)| *known == kind);
    let (noun, names) = match row {
        Some((_, noun, names)) => ((*noun).to_owned(), *names),
        None => (sentence(&kind), NAMES),
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
    let name = subject.name.as_deref().map(|name| format!(": {name}"));
    outline.headline = format!(
        "{} {}{}",
        subject.kind,
        outline.verb(),
        name.unwrap_or_default()
    );
    outline.url.clone_from(&subject.url);
    if let Some(entity) = &entity {
        let decided = decide(entity, &kind, outline);
        // A type that nobody knows yet may mean anything by these keys. From the first
        // that cannot be read they are no facts, and a filter that asks rejects.
        if row.is_some() {
            decided?;
        }
    }
    outline.facts.subject = Some(subject);
    Ok(())
}

/// What filters decide on. Not the priority: a customer request's is of another
/// scale, on which 1 is not urgent.
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
        // The label itself, so that `labels` also picks changes to a label.
        "IssueLabel" | "ProjectLabel" | "InitiativeLabel" => {
            facts.labels.extend(entity.short_text_opt("/name")?);
            facts.label_ids.extend(entity.short_text_opt("/id")?);
        }
        _ => {}
    }
    Ok(())
}

fn subject(entity: &Payload<'_>, names: &[&str]) -> Subject {
    let text = |pointer: &&str| {
        let number = || entity.number(pointer).map(|number| number.to_string());
        entity.name(pointer).or_else(number)
    };
    let id = entity.id_opt("/id").ok().flatten();
    Subject {
        kind: String::new(),
        id: id.map(|id| shorten(&id, NAME_BYTES_MAX)),
        name: names.iter().find_map(text),
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

/// A new type most likely carries its thing as `data`, or under its own name as
/// `agentSession` does.
fn unknown_entity<'a>(payload: &Payload<'a>, kind: &str) -> Option<Payload<'a>> {
    let object = payload.value().as_object()?;
    let mut letters = kind.chars();
    let own = letters
        .next()
        .map(|first| first.to_lowercase().chain(letters).collect::<String>());
    let keys = [Some("data"), own.as_deref()];
    let mut values = keys.into_iter().flatten().filter_map(|key| object.get(key));
    values
        .find(|value| matches!(value, Value::Object(_)))
        .map(Payload::new)
}

/// `NewThing` as `New thing`.
fn sentence(kind: &str) -> String {
    let words = words(kind);
    let mut letters = words.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => words,
    }
}
