//! GitHub Actions: runs, jobs, and the two ways to start a run by hand.

use super::{check, strict};
use crate::facts::Workflow;
use crate::outline::Outline;
use serde_json::{Map, Value};
use triggerhouse_sdk::limits::LIST_ITEMS_MAX;
use triggerhouse_sdk::prelude::*;

/// Bytes of inputs as JSON. Larger inputs are dropped whole.
const INPUTS_BYTES_MAX: usize = 65_536;

/// `workflow_run`.
pub fn run(payload: &Payload<'_>, outline: &mut Outline) -> Result<(), ReadError> {
    let entity = payload.object("/workflow_run")?;
    outline.facts.conclusion = entity.short_text_opt("/conclusion")?;
    strict::branch(&entity, "/head_branch", outline)?;
    let mut workflow = describe(&entity);
    workflow.run_id = Some(entity.integer("/id")?);
    workflow.name = payload.name("/workflow/name").or(workflow.name);
    workflow.path = payload.name("/workflow/path").or(workflow.path);
    outline.headline = format!(
        "Workflow {}: {} #{}{}",
        check::outcome(outline),
        workflow.name.as_deref().unwrap_or("run"),
        workflow.run_number.unwrap_or_default(),
        on_branch(outline)
    );
    outline.url.clone_from(&workflow.url);
    outline.occurred_at = match outline.facts.action.as_deref() {
        Some("requested") => entity.moment(&["/run_started_at", "/created_at"]),
        _ => entity.moment(&["/updated_at"]),
    };
    outline.facts.workflow = Some(workflow);
    Ok(())
}

/// `workflow_job`. Its `labels` select a runner, so they are not the event's labels.
pub fn job(payload: &Payload<'_>, outline: &mut Outline) -> Result<(), ReadError> {
    let entity = payload.object("/workflow_job")?;
    let name = entity.short_text("/name")?;
    outline.facts.conclusion = entity.short_text_opt("/conclusion")?;
    strict::branch(&entity, "/head_branch", outline)?;
    outline.headline = format!(
        "Job {}: {name}{}",
        check::outcome(outline),
        on_branch(outline)
    );
    outline.url = entity.link("/html_url");
    outline.occurred_at = match outline.facts.action.as_deref() {
        Some("completed") => entity.moment(&["/completed_at"]),
        Some("in_progress") => entity.moment(&["/started_at"]),
        _ => entity.moment(&["/created_at"]),
    };
    outline.facts.workflow = Some(Workflow {
        run_id: entity.number("/run_id"),
        name: entity.name("/workflow_name"),
        job_id: Some(entity.integer("/id")?),
        job: Some(name),
        failed_steps: failed_steps(&entity),
        runner: entity.name("/runner_name"),
        runner_labels: entity.names("/labels", ""),
        title: None,
        ..describe(&entity)
    });
    Ok(())
}

/// `workflow_dispatch`.
pub fn dispatch(payload: &Payload<'_>, outline: &mut Outline) -> Result<(), ReadError> {
    let path = payload.short_text("/workflow")?;
    strict::branch(payload, "/ref", outline)?;
    outline.facts.inputs = inputs(payload, "/inputs");
    outline.headline = format!("Workflow started by hand: {path}{}", on_branch(outline));
    outline.facts.workflow = Some(Workflow {
        path: Some(path),
        ..Workflow::default()
    });
    Ok(())
}

/// `repository_dispatch`. The caller chooses the action.
pub fn repository_dispatch(payload: &Payload<'_>, outline: &mut Outline) -> Result<(), ReadError> {
    strict::branch(payload, "/branch", outline)?;
    outline.facts.inputs = inputs(payload, "/client_payload");
    let word = outline.facts.action.as_deref().unwrap_or_default();
    outline.headline = format!("Repository dispatch: {word}");
    Ok(())
}

/// Reads the section of a run. Deployments and their reviews carry one too.
pub fn describe(run: &Payload<'_>) -> Workflow {
    Workflow {
        run_id: run.number("/id"),
        run_number: run.number("/run_number"),
        run_attempt: run.number("/run_attempt"),
        name: run.name("/name"),
        path: run.name("/path"),
        title: run.name("/display_title"),
        url: run.link("/html_url"),
        trigger: run.name("/event"),
        status: run.name("/status"),
        head_sha: run.name("/head_sha"),
        pull_requests: strict::pull_requests(run, "/pull_requests"),
        ..Workflow::default()
    }
}

fn on_branch(outline: &Outline) -> String {
    tail(" on ", outline.facts.branches.first())
}

fn failed_steps(job: &Payload<'_>) -> Vec<String> {
    let steps = job.objects("/steps");
    let failed = steps.filter(|step| step.raw("/conclusion") == Some("failure"));
    failed
        .filter_map(|step| step.name("/name"))
        .take(LIST_ITEMS_MAX)
        .collect()
}

fn inputs(payload: &Payload<'_>, pointer: &str) -> Option<Map<String, Value>> {
    let inputs = payload.value_at(pointer)?;
    let object = inputs.as_object().filter(|object| !object.is_empty())?;
    (inputs.to_string().len() <= INPUTS_BYTES_MAX).then(|| object.clone())
}
