//! Commit statuses, the predecessor of checks.

use crate::facts::Check;
use crate::git::short_sha;
use crate::outline::Outline;
use triggerhouse_sdk::limits::LIST_ITEMS_MAX;
use triggerhouse_sdk::prelude::*;

/// `status`. Its state serves as the conclusion. The commit can be the head of several
/// branches.
pub fn read(payload: &Payload<'_>, outline: &mut Outline) -> Result<(), ReadError> {
    let state = payload.short_text("/state")?;
    let sha = payload.short_text("/sha")?;
    let context = payload.name("/context");
    let branches = payload.items("/branches")?;
    let branches = branches.iter().map(|branch| branch.short_text("/name"));
    outline.facts.branches = branches.take(LIST_ITEMS_MAX).collect::<Result<_, _>>()?;
    outline.headline = format!(
        "Status {state}: {} on {}",
        context.as_deref().unwrap_or("default"),
        short_sha(&sha)
    );
    outline.url = payload
        .link("/target_url")
        .or_else(|| payload.link("/commit/html_url"));
    outline.occurred_at = payload.moment(&["/updated_at", "/created_at"]);
    outline.facts.conclusion = Some(state.clone());
    outline.facts.check = Some(Check {
        id: payload.number("/id"),
        name: context,
        url: payload.link("/commit/html_url"),
        details_url: payload.link("/target_url"),
        status: Some(state),
        head_sha: Some(sha),
        title: payload.name("/description"),
        ..Check::default()
    });
    Ok(())
}
