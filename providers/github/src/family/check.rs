//! Check runs, check suites, and merge groups, which request checks.

use super::strict;
use crate::facts::Check;
use crate::git::short_sha;
use crate::outline::Outline;
use triggerhouse_sdk::prelude::*;

/// `check_run`.
pub fn run(payload: &Payload<'_>, outline: &mut Outline) -> Result<(), ReadError> {
    let entity = payload.object("/check_run")?;
    let name = entity.short_text("/name")?;
    outline.facts.conclusion = entity.short_text_opt("/conclusion")?;
    strict::branch(&entity, "/check_suite/head_branch", outline)?;
    outline.headline = format!("Check run {}: {name}", outcome(outline));
    outline.url = entity
        .link("/html_url")
        .or_else(|| entity.link("/details_url"));
    outline.occurred_at = match outline.facts.action.as_deref() {
        Some("created") => entity.moment(&["/started_at"]),
        Some("completed") => entity.moment(&["/completed_at"]),
        _ => None,
    };
    let mut check = describe(&entity, Some(name));
    check.requested_action = payload.name("/requested_action/identifier");
    outline.facts.check = Some(check);
    Ok(())
}

/// `check_suite`. It has no page of its own, so the link leads to the commit's checks.
pub fn suite(payload: &Payload<'_>, outline: &mut Outline) -> Result<(), ReadError> {
    let entity = payload.object("/check_suite")?;
    let sha = entity.short_text("/head_sha")?;
    outline.facts.conclusion = entity.short_text_opt("/conclusion")?;
    strict::branch(&entity, "/head_branch", outline)?;
    let app = entity.name("/app/name").unwrap_or_default();
    outline.headline = format!(
        "Check suite {}: {app} on {}",
        outcome(outline),
        short_sha(&sha)
    );
    outline.url = outline
        .facts
        .repository_link(&format!("/commit/{sha}/checks"));
    outline.occurred_at = entity.moment(&["/updated_at"]);
    outline.facts.check = Some(describe(&entity, None));
    Ok(())
}

/// `merge_group`. Its branch is the one to merge into.
pub fn merge_group(payload: &Payload<'_>, outline: &mut Outline) -> Result<(), ReadError> {
    let entity = payload.object("/merge_group")?;
    let sha = entity.short_text("/head_sha")?;
    strict::branch(&entity, "/base_ref", outline)?;
    let branch = outline.facts.branches.first().cloned().unwrap_or_default();
    outline.headline = format!(
        "Merge group {} for {branch}: {}",
        outline.facts.verb(),
        short_sha(&sha)
    );
    outline.url = outline.facts.repository_link(&format!("/commit/{sha}"));
    outline.facts.check = Some(Check {
        head_sha: Some(sha),
        title: entity.prose("/head_commit/message"),
        ..Check::default()
    });
    Ok(())
}

/// The conclusion of a completed check, which says more than the action.
pub fn outcome(outline: &Outline) -> String {
    match &outline.facts.conclusion {
        Some(conclusion) if outline.facts.is("completed") => conclusion.replace('_', " "),
        _ => outline.facts.verb(),
    }
}

fn describe(check: &Payload<'_>, name: Option<String>) -> Check {
    Check {
        id: check.number("/id"),
        name,
        url: check.link("/html_url"),
        details_url: check.link("/details_url"),
        status: check.name("/status"),
        head_sha: check.name("/head_sha"),
        app: check.name("/app/slug"),
        title: check.name("/output/title"),
        summary: check.prose("/output/summary"),
        requested_action: None,
        pull_requests: strict::pull_requests(check, "/pull_requests"),
    }
}
