//! Pull requests. Their payloads count the changed files and do not name them.

use super::{issue, strict};
use crate::facts::PullRequest;
use crate::outline::Outline;
use triggerhouse_sdk::prelude::*;

/// `pull_request`.
pub fn read(payload: &Payload<'_>, outline: &mut Outline) -> Result<(), ReadError> {
    let entity = payload.object("/pull_request")?;
    let mut pull_request = describe(&entity, outline)?;
    pull_request.before = payload.name("/before");
    pull_request.after = payload.name("/after");
    outline.facts.author = strict::account(&entity, "/user")?;
    outline.facts.label = payload.name("/label/name");
    outline.facts.assignee = payload.name("/assignee/login");
    outline.facts.requested_reviewer = payload
        .name("/requested_reviewer/login")
        .or_else(|| payload.name("/requested_team/slug"));
    let verb = match outline.facts.action.as_deref() {
        Some("closed") if outline.facts.merged == Some(true) => "merged".into(),
        Some("synchronize") => "updated".into(),
        _ => outline.facts.verb(),
    };
    outline.headline = format!(
        "Pull request #{} {verb}{}{}",
        pull_request.number.unwrap_or_default(),
        issue::detail(outline),
        tail(": ", pull_request.title.as_deref())
    );
    outline.url.clone_from(&pull_request.url);
    outline.occurred_at = issue::moment(&entity, outline);
    outline.facts.pull_request = Some(pull_request);
    Ok(())
}

/// Reads the section, the labels, the base branch, and the state of draft and merge. Reviews
/// and their comments carry a shorter form, without `merged`.
pub fn describe(
    pull_request: &Payload<'_>,
    outline: &mut Outline,
) -> Result<PullRequest, ReadError> {
    let facts = &mut outline.facts;
    facts.labels = strict::labels(pull_request, "/labels")?;
    facts.draft = pull_request.boolean_opt("/draft")?;
    facts.merged = match pull_request.boolean_opt("/merged")? {
        Some(merged) => Some(merged),
        None => Some(pull_request.text_opt("/merged_at")?.is_some()),
    };
    let base_branch = pull_request.short_text("/base/ref")?;
    facts.branches = vec![base_branch.clone()];
    Ok(PullRequest {
        number: Some(pull_request.integer("/number")?),
        title: Some(pull_request.short_text("/title")?),
        url: pull_request.link("/html_url"),
        state: pull_request.name("/state"),
        author: pull_request.name("/user/login"),
        body: pull_request.prose("/body"),
        assignees: pull_request.names("/assignees", "/login"),
        reviewers: pull_request.names("/requested_reviewers", "/login"),
        reviewer_teams: pull_request.names("/requested_teams", "/slug"),
        milestone: pull_request.name("/milestone/title"),
        base_branch: Some(base_branch),
        head_branch: pull_request.name("/head/ref"),
        head_sha: pull_request.name("/head/sha"),
        head_repository: pull_request.name("/head/repo/full_name"),
        merged_by: pull_request.name("/merged_by/login"),
        merge_commit_sha: pull_request.name("/merge_commit_sha"),
        before: None,
        after: None,
        commits: pull_request.number("/commits"),
        additions: pull_request.number("/additions"),
        deletions: pull_request.number("/deletions"),
        changed_files: pull_request.number("/changed_files"),
    })
}
