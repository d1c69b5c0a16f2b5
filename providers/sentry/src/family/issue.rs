//! `issue`: an issue was created, or its state or assignee changed.

use super::{lenient, strict};
use crate::facts::{Assignee, Issue};
use crate::outline::Outline;
use crate::place;
use triggerhouse_sdk::prelude::*;

/// Reads an issue.
pub fn read(payload: &Payload<'_>, outline: &mut Outline) -> Result<(), ReadError> {
    let entity = payload.object("/data/issue")?;
    let id = entity.short_id("/id")?;
    let facts = &mut outline.facts;
    facts.issue_id = Some(id).filter(|id| !id.is_empty());
    facts.project = strict::project(&entity, "/project")?;
    facts.level = entity.short_text_opt("/level")?;
    facts.platform = entity.short_text_opt("/platform")?;
    facts.status = entity.short_text_opt("/status")?;
    facts.substatus = entity.short_text_opt("/substatus")?;
    facts.assignee = assignee(payload)?;
    let addresses = ["/url", "/web_url", "/permalink"];
    facts.organization = addresses
        .iter()
        .find_map(|pointer| place::organization_of(entity.raw(pointer)?))
        .map(str::to_owned);
    let issue = describe(&entity, payload);
    outline.headline = format!(
        "Issue {} {}{}: {}",
        issue
            .short_id
            .as_ref()
            .or(outline.facts.issue_id.as_ref())
            .map_or("", String::as_str),
        outline.facts.verb(),
        detail(outline),
        issue.title.as_deref().unwrap_or("(no title)")
    );
    outline.url.clone_from(&issue.url);
    // Only the creation has a time of its own. The issue's `lastSeen` is the time of its
    // latest event, not of its resolution.
    if outline.facts.is("created") {
        outline.occurred_at = entity.moment(&["/firstSeen"]);
    }
    outline.facts.issue = Some(issue);
    Ok(())
}

/// The assignee. `data.assignee` is the one of the action; `assignedTo` is the one at the time
/// of sending. Two assignments in a row must not both become the second.
fn assignee(payload: &Payload<'_>) -> Result<Option<Assignee>, ReadError> {
    let owner = owner(payload)?;
    let Some(mut assignee) = strict::assignee(payload, "/data/assignee")? else {
        return Ok(owner);
    };
    let is_same = |owner: &Assignee| owner.id == assignee.id && owner.kind == assignee.kind;
    if let Some(owner) = owner.filter(is_same) {
        assignee.name = assignee.name.or(owner.name);
        assignee.slug = owner.slug;
        assignee.email = assignee.email.or(owner.email);
    }
    Ok(Some(assignee))
}

/// The owner. Sentry puts a team's slug into `name` here, and its name in `data.assignee`.
fn owner(payload: &Payload<'_>) -> Result<Option<Assignee>, ReadError> {
    let mut owner = strict::assignee(payload, "/data/issue/assignedTo")?;
    if let Some(team) = owner
        .as_mut()
        .filter(|owner| owner.kind.as_deref() == Some("team"))
    {
        team.slug = team.name.take();
    }
    Ok(owner)
}

fn describe(entity: &Payload<'_>, payload: &Payload<'_>) -> Issue {
    Issue {
        short_id: entity.name("/shortId"),
        title: entity.name("/title"),
        culprit: entity.name("/culprit"),
        url: entity
            .link("/web_url")
            .or_else(|| entity.link("/permalink")),
        kind: entity.name("/type"),
        category: entity.name("/issueCategory"),
        priority: entity.name("/priority"),
        error_type: entity.name("/metadata/type"),
        error_message: entity.name("/metadata/value"),
        file: entity.name("/metadata/filename"),
        function: entity.name("/metadata/function"),
        unhandled: entity.flag("/isUnhandled"),
        count: lenient::count(entity, "/count"),
        user_count: lenient::count(entity, "/userCount"),
        first_seen: entity.name("/firstSeen"),
        last_seen: entity.name("/lastSeen"),
        resolution: payload.name("/data/resolution_type"),
        resolved_in_release: entity.name("/statusDetails/inRelease"),
        resolved_in_commit: entity.name("/statusDetails/inCommit/id"),
    }
}

/// The details of an action: to whom, why, until when.
fn detail(outline: &Outline) -> String {
    let facts = &outline.facts;
    match facts.action.as_deref() {
        Some("assigned") => {
            let assignee = facts.assignee.as_ref();
            let name = assignee.and_then(|one| one.name.as_ref().or(one.slug.as_ref()));
            tail(" to ", name)
        }
        Some("unresolved") => aside(facts.substatus.as_deref()),
        Some("archived" | "ignored") => {
            let until = facts.substatus.as_deref();
            let until = until.and_then(|text| text.strip_prefix("archived_"));
            tail(" ", until.map(|until| until.replace('_', " ")))
        }
        _ => String::new(),
    }
}
