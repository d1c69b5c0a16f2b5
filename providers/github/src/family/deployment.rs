//! Deployments, their statuses, and the reviews and rules that they wait for.

use super::{strict, workflow};
use crate::facts::Deployment;
use crate::git::{branch_of, is_sha};
use crate::outline::Outline;
use triggerhouse_sdk::prelude::*;

/// `deployment`.
pub fn deployment(payload: &Payload<'_>, outline: &mut Outline) -> Result<(), ReadError> {
    let entity = payload.object("/deployment")?;
    let deployment = describe(&entity, outline)?;
    outline.facts.author = strict::account(&entity, "/creator")?;
    outline.headline = format!(
        "Deployment {} {}",
        outline.facts.verb(),
        destination(&deployment)
    );
    outline.url = payload.link("/workflow_run/html_url");
    outline.occurred_at = entity.moment(&["/created_at"]);
    outline.facts.deployment = Some(deployment);
    run(payload, outline);
    Ok(())
}

/// `deployment_status`. Its state serves as the conclusion.
pub fn status(payload: &Payload<'_>, outline: &mut Outline) -> Result<(), ReadError> {
    let mut deployment = describe(&payload.object("/deployment")?, outline)?;
    let entity = payload.object("/deployment_status")?;
    let state = entity.short_text("/state")?;
    outline.facts.author = strict::account(&entity, "/creator")?;
    outline.facts.conclusion = Some(state.clone());
    deployment.environment = entity.name("/environment").or(deployment.environment);
    deployment.description = entity.prose("/description").or(deployment.description);
    deployment.url = entity.link("/environment_url");
    deployment.log_url = entity
        .link("/log_url")
        .or_else(|| entity.link("/target_url"));
    outline.headline = format!(
        "Deployment {} {}",
        state.replace('_', " "),
        destination(&deployment)
    );
    outline.url = deployment
        .log_url
        .clone()
        .or_else(|| payload.link("/workflow_run/html_url"));
    outline.occurred_at = entity.moment(&["/updated_at", "/created_at"]);
    deployment.state = Some(state);
    outline.facts.deployment = Some(deployment);
    run(payload, outline);
    Ok(())
}

/// `deployment_review`. It belongs to a workflow run and carries no deployment.
pub fn review(payload: &Payload<'_>, outline: &mut Outline) -> Result<(), ReadError> {
    strict::branch(payload, "/workflow_run/head_branch", outline)?;
    let environment = payload
        .name("/environment")
        .or_else(|| payload.name("/workflow_job_run/environment"))
        .or_else(|| payload.name("/workflow_job_runs/0/environment"));
    let deployment = Deployment {
        environment,
        description: payload.prose("/comment"),
        ..Deployment::default()
    };
    outline.headline = format!(
        "Deployment review {} {}",
        outline.facts.verb(),
        destination(&deployment)
    );
    outline.url = payload.link("/workflow_run/html_url");
    outline.occurred_at = payload.moment(&["/since"]);
    outline.facts.deployment = Some(deployment);
    run(payload, outline);
    Ok(())
}

/// `deployment_protection_rule`.
pub fn protection_rule(payload: &Payload<'_>, outline: &mut Outline) -> Result<(), ReadError> {
    let mut deployment = match payload.object_opt("/deployment")? {
        Some(entity) => describe(&entity, outline)?,
        None => Deployment::default(),
    };
    deployment.environment = payload.name("/environment").or(deployment.environment);
    outline.headline = format!(
        "Deployment protection rule {} {}",
        outline.facts.verb(),
        destination(&deployment)
    );
    outline.occurred_at = payload.moment(&["/deployment/updated_at"]);
    outline.facts.deployment = Some(deployment);
    Ok(())
}

fn destination(deployment: &Deployment) -> String {
    match &deployment.environment {
        Some(environment) => format!("to {environment}"),
        None => String::new(),
    }
}

fn run(payload: &Payload<'_>, outline: &mut Outline) {
    if let Ok(Some(run)) = payload.object_opt("/workflow_run") {
        outline.facts.workflow = Some(workflow::describe(&run));
    }
}

/// Reads the section, and the branch, unless a commit's hash was deployed.
fn describe(deployment: &Payload<'_>, outline: &mut Outline) -> Result<Deployment, ReadError> {
    let reference = deployment.short_text_opt("/ref")?;
    if let Some(branch) = reference
        .as_deref()
        .and_then(branch_of)
        .filter(|name| !is_sha(name))
    {
        outline.facts.branches = vec![branch.to_owned()];
    }
    Ok(Deployment {
        id: deployment.number("/id"),
        environment: deployment.name("/environment"),
        state: None,
        ref_name: reference,
        sha: deployment.name("/sha"),
        task: deployment.name("/task"),
        description: deployment.prose("/description"),
        url: None,
        log_url: None,
        creator: deployment.name("/creator/login"),
    })
}
