//! `seer`: Sentry's agent has begun or finished a step of its work on an issue.

use super::lenient;
use crate::facts::{Change, PullRequest, Seer};
use crate::outline::Outline;
use serde_json::Value;
use triggerhouse_sdk::prelude::*;

/// Steps, changes and pull requests that are kept of each.
const ITEMS_MAX: usize = 20;

/// Reads a run.
pub fn read(payload: &Payload<'_>, outline: &mut Outline) -> Result<(), ReadError> {
    let data = payload.object("/data")?;
    let mut steps = data.names("/root_cause/steps", "/title");
    steps.extend(data.names("/solution/steps", "/title"));
    steps.truncate(ITEMS_MAX);
    let seer = Seer {
        run_id: lenient::id(&data, "/run_id"),
        root_cause: data.prose("/root_cause/description"),
        solution: data.prose("/solution/description"),
        steps,
        changes: items(&data, "/changes").map(change).collect(),
        pull_requests: items(&data, "/pull_requests").map(pull_request).collect(),
    };
    outline.facts.issue_id = lenient::id(&data, "/group_id");
    outline.url = seer
        .pull_requests
        .iter()
        .find_map(|request| request.url.clone());
    let issue = outline.facts.issue_id.as_deref();
    let issue = issue
        .map(|id| format!(" on issue {id}"))
        .unwrap_or_default();
    let change = seer
        .changes
        .first()
        .and_then(|change| change.title.as_ref());
    let result = seer
        .root_cause
        .as_ref()
        .or(seer.solution.as_ref())
        .or(change);
    let result = result.map(|text| format!(": {text}")).unwrap_or_default();
    outline.headline = format!("Seer {}{issue}{result}", outline.verb());
    outline.facts.seer = Some(seer);
    Ok(())
}

fn items<'a>(data: &Payload<'a>, pointer: &str) -> impl Iterator<Item = Payload<'a>> {
    let items = data.value_at(pointer).and_then(Value::as_array);
    let objects = items.into_iter().flatten().filter(|item| item.is_object());
    objects.take(ITEMS_MAX).map(Payload::new)
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
