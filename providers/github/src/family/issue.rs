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
    let detail = detail(outline);
    outline.headline = format!(
        "Issue #{} {}{detail}: {}",
        issue.number.unwrap_or_default(),
        outline.verb(),
        issue.title.as_deref().unwrap_or_default()
    );
    outline.url.clone_from(&issue.url);
    outline.occurred_at = moment(&entity, outline);
    outline.facts.issue = Some(issue);
    Ok(())
}

/// `sub_issues`: GitHub sends one event to the parent's repository, whose action
/// starts with `sub_issue`, and one to the child's.
pub fn sub_issues(payload: &Payload<'_>, outline: &mut Outline) -> Result<(), ReadError> {
    if outline
        .facts
        .action
        .as_deref()
        .unwrap_or_default()
        .starts_with("sub_issue")
    {
        relation(
            payload,
            outline,
            "/parent_issue",
            "/sub_issue",
            "/sub_issue_repo",
        )
    } else {
        relation(
            payload,
            outline,
            "/sub_issue",
            "/parent_issue",
            "/parent_issue_repo",
        )
    }
}

/// `issue_dependencies`: one of the two issues is in this repository.
pub fn dependencies(payload: &Payload<'_>, outline: &mut Outline) -> Result<(), ReadError> {
    if outline
        .facts
        .action
        .as_deref()
        .unwrap_or_default()
        .starts_with("blocked_by")
    {
        relation(
            payload,
            outline,
            "/blocked_issue",
            "/blocking_issue",
            "/blocking_issue_repo",
        )
    } else {
        relation(
            payload,
            outline,
            "/blocking_issue",
            "/blocked_issue",
            "/blocked_issue_repo",
        )
    }
}

fn relation(
    payload: &Payload<'_>,
    outline: &mut Outline,
    own: &'static str,
    other: &'static str,
    other_repository: &str,
) -> Result<(), ReadError> {
    let entity = payload.object(own)?;
    let mut issue = describe(&entity, outline)?;
    outline.facts.author = strict::account(&entity, "/user")?;
    let related = payload.number(&format!("{other}/number")).map(|number| {
        let repository = payload.name(&format!("{other_repository}/full_name"));
        format!("{}#{number}", repository.unwrap_or_default())
    });
    let verb = outline.verb();
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

/// The section, and the labels. A comment's issue is read by it as well.
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

/// What an action was about: a label, an assignee, a reviewer.
pub fn detail(outline: &Outline) -> String {
    let facts = &outline.facts;
    match facts.action.as_deref() {
        Some("labeled" | "unlabeled") => facts.label.as_deref(),
        Some("assigned" | "unassigned") => facts.assignee.as_deref(),
        Some("review_requested" | "review_request_removed") => facts.requested_reviewer.as_deref(),
        _ => None,
    }
    .map(|detail| format!(" ({detail})"))
    .unwrap_or_default()
}

/// When the action took place: some have a time of their own.
pub fn moment(entity: &Payload<'_>, outline: &Outline) -> Option<u64> {
    match outline.facts.action.as_deref() {
        Some("opened" | "created") => entity.moment(&["/created_at"]),
        Some("closed") => entity.moment(&["/merged_at", "/closed_at", "/updated_at"]),
        // Deletion and transfer leave the last change's time behind.
        Some("deleted" | "transferred") => None,
        _ => entity.moment(&["/updated_at"]),
    }
}
