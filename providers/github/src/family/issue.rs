//! Issues, and relations between them.

use super::strict;
use crate::facts::Issue;
use crate::outline::Outline;
use triggerhouse_sdk::prelude::*;

/// `issues`.
pub fn issues(payload: &Payload<'_>, outline: &mut Outline) -> Result<(), ReadError> {
    let entity = payload.object("/issue")?;
    let issue = describe(&entity, outline)?;
    outline.facts.author = strict::account(&entity, "/user")?;
    outline.facts.label = payload.name("/label/name");
    outline.facts.assignee = payload.name("/assignee/login");
    outline.headline = format!(
        "Issue #{} {}{}{}",
        issue.number.unwrap_or_default(),
        outline.facts.verb(),
        detail(outline),
        tail(": ", issue.title.as_deref())
    );
    outline.url.clone_from(&issue.url);
    outline.occurred_at = moment(&entity, outline);
    outline.facts.issue = Some(issue);
    Ok(())
}

/// `sub_issues`: GitHub sends one event to the parent's repository, with an action that starts
/// with `sub_issue`, and one to the child's repository.
pub fn sub_issues(payload: &Payload<'_>, outline: &mut Outline) -> Result<(), ReadError> {
    let (own, other) = match starts(outline, "sub_issue") {
        true => ("/parent_issue", "/sub_issue"),
        false => ("/sub_issue", "/parent_issue"),
    };
    relation(payload, outline, own, other)
}

/// `issue_dependencies`: at least one of the two issues is in this repository.
pub fn dependencies(payload: &Payload<'_>, outline: &mut Outline) -> Result<(), ReadError> {
    let (own, other) = match starts(outline, "blocked_by") {
        true => ("/blocked_issue", "/blocking_issue"),
        false => ("/blocking_issue", "/blocked_issue"),
    };
    relation(payload, outline, own, other)
}

fn starts(outline: &Outline, start: &str) -> bool {
    let action = outline.facts.action.as_deref();
    action.is_some_and(|action| action.starts_with(start))
}

fn relation(
    payload: &Payload<'_>,
    outline: &mut Outline,
    own: &str,
    other: &str,
) -> Result<(), ReadError> {
    let entity = payload.object(own)?;
    let mut issue = describe(&entity, outline)?;
    outline.facts.author = strict::account(&entity, "/user")?;
    let related = payload.number(&format!("{other}/number")).map(|number| {
        let repository = payload.name(&format!("{other}_repo/full_name"));
        format!("{}#{number}", repository.unwrap_or_default())
    });
    let verb = outline.facts.verb();
    let (kind, change) = verb.rsplit_once(' ').unwrap_or((&verb, ""));
    outline.headline = format!(
        "Issue #{}: {kind} {} {change}",
        issue.number.unwrap_or_default(),
        related.as_deref().unwrap_or_default()
    );
    outline.url.clone_from(&issue.url);
    outline.occurred_at = entity.moment(&["/updated_at"]);
    issue.related = related;
    outline.facts.issue = Some(issue);
    Ok(())
}

/// Reads the section and the labels. Also reads the issue of a comment.
pub fn describe(issue: &Payload<'_>, outline: &mut Outline) -> Result<Issue, ReadError> {
    outline.facts.labels = strict::labels(issue, "/labels")?;
    let is_pull_request = issue.has("/pull_request");
    if is_pull_request {
        outline.facts.draft = issue.boolean_opt("/draft")?;
    }
    Ok(Issue {
        number: Some(issue.integer("/number")?),
        title: Some(issue.short_text("/title")?),
        url: issue.link("/html_url"),
        state: issue.name("/state"),
        state_reason: issue.name("/state_reason"),
        author: issue.name("/user/login"),
        body: issue.prose("/body"),
        assignees: issue.names("/assignees", "/login"),
        milestone: issue.name("/milestone/title"),
        issue_type: issue.name("/type/name"),
        is_pull_request,
        related: None,
    })
}

/// The object of an action: a label, an assignee, a reviewer.
pub fn detail(outline: &Outline) -> String {
    let facts = &outline.facts;
    aside(match facts.action.as_deref() {
        Some("labeled" | "unlabeled") => facts.label.as_deref(),
        Some("assigned" | "unassigned") => facts.assignee.as_deref(),
        Some("review_requested" | "review_request_removed") => facts.requested_reviewer.as_deref(),
        _ => None,
    })
}

/// The time of the action. Some actions have a field of their own.
pub fn moment(entity: &Payload<'_>, outline: &Outline) -> Option<u64> {
    match outline.facts.action.as_deref() {
        Some("opened" | "created") => entity.moment(&["/created_at"]),
        Some("closed") => entity.moment(&["/merged_at", "/closed_at", "/updated_at"]),
        // These keep the time of the change before.
        Some("deleted" | "transferred") => None,
        _ => entity.moment(&["/updated_at"]),
    }
}
