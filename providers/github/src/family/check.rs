//! Check runs, check suites, and merge groups, which ask for checks.

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

/// `check_suite`: has no page of its own, so the commit's checks stand in.
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
    outline.url = outline.repository_link(&format!("/commit/{sha}/checks"));
    outline.occurred_at = entity.moment(&["/updated_at"]);
    outline.facts.check = Some(describe(&entity, None));
    Ok(())
}

/// `merge_group`: the branch is the one to be merged into.
pub fn merge_group(payload: &Payload<'_>, outline: &mut Outline) -> Result<(), ReadError> {
    let entity = payload.object("/merge_group")?;
    let sha = entity.short_text("/head_sha")?;
    strict::branch(&entity, "/base_ref", outline)?;
    let branch = outline.facts.branches.first().cloned().unwrap_or_default();
    outline.headline = format!(
        "Merge group {} for {branch}: {}",
        outline.verb(),
        short_sha(&sha)
    );
    outline.url = outline.repository_link(&format!("/commit/{sha}"));
    outline.facts.check = Some(Check {
        head_sha: Some(sha),
        title: entity.prose("/head_commit/message"),
        ..Check::default()
    });
    Ok(())
}

/// `failure` says more than `completed`.
pub fn outcome(outline: &Outline) -> String {
    match &outline.facts.conclusion {
        Some(conclusion) if outline.is("completed") => conclusion.replace('_', " "),
        _ => outline.verb(),
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
