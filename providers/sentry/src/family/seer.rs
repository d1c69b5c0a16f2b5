//! `seer`: Sentry's agent began or finished a step of its work on an issue.

use crate::facts::{Change, PullRequest, Seer};
use crate::outline::Outline;
use triggerhouse_sdk::prelude::*;

/// Steps, changes and pull requests kept in the facts, each.
const ITEMS_MAX: usize = 20;

/// Reads a run.
pub fn read(payload: &Payload<'_>, outline: &mut Outline) -> Result<(), ReadError> {
    let data = payload.object("/data")?;
    let mut steps = data.names("/root_cause/steps", "/title");
    steps.extend(data.names("/solution/steps", "/title"));
    steps.truncate(ITEMS_MAX);
    let seer = Seer {
        run_id: data.ident("/run_id"),
        root_cause: data.prose("/root_cause/description"),
        solution: data.prose("/solution/description"),
        steps,
        changes: data
            .objects("/changes")
            .take(ITEMS_MAX)
            .map(change)
            .collect(),
        pull_requests: data
            .objects("/pull_requests")
            .take(ITEMS_MAX)
            .map(pull_request)
            .collect(),
    };
    outline.facts.issue_id = data.ident("/group_id");
    outline.url = seer
        .pull_requests
        .iter()
        .find_map(|request| request.url.clone());
    let change = seer.changes.first();
    let change = change.and_then(|change| change.title.as_ref());
    let result = seer
        .root_cause
        .as_ref()
        .or(seer.solution.as_ref())
        .or(change);
    outline.headline = format!(
        "Seer {}{}{}",
        outline.facts.verb(),
        tail(" on issue ", outline.facts.issue_id.as_deref()),
        tail(": ", result)
    );
    outline.facts.seer = Some(seer);
    Ok(())
}

fn change(entity: Payload<'_>) -> Change {
    Change {
        repository: entity.name("/repo_name"),
        title: entity.name("/title"),
        description: entity.name("/description"),
        branch: entity.name("/branch_name"),
    }
}

fn pull_request(entity: Payload<'_>) -> PullRequest {
    PullRequest {
        repository: entity.name("/repo_name"),
        number: entity.number("/pull_request/pr_number"),
        url: entity.link("/pull_request/pr_url"),
        provider: entity.name("/provider"),
    }
}
