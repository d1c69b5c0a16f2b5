//! What one example of each family becomes.

use super::*;

/// The event as people and consumers see it.
fn shown(event: &str, payload: &Value) -> Value {
    let parsed = parse(event, payload);
    let time = parsed.occurred_at.map(|time| time / 1_000_000);
    serde_json::json!({
        "title": parsed.title,
        "kind": parsed.kind,
        "actor": parsed.actor,
        "url": parsed.url,
        "occurred_at_seconds": time,
        "facts": serde_json::from_str::<Value>(&parsed.facts).unwrap(),
    })
}

macro_rules! families {
    ($($name:ident: $event:literal $action:literal;)+) => {
        $(#[test]
        fn $name() {
            insta::assert_json_snapshot!(shown($event, &example($event, $action)));
        })+
    };
}

families! {
    check_run: "check_run" "completed";
    check_suite: "check_suite" "completed";
    code_scanning_alert: "code_scanning_alert" "reopened";
    commit_comment: "commit_comment" "created";
    create: "create" "";
    delete: "delete" "";
    dependabot_alert: "dependabot_alert" "created";
    deployment: "deployment" "created";
    deployment_review: "deployment_review" "requested";
    deployment_status: "deployment_status" "created";
    discussion: "discussion" "answered";
    discussion_comment: "discussion_comment" "created";
    fork: "fork" "";
    gollum: "gollum" "";
    installation: "installation" "created";
    installation_repositories: "installation_repositories" "added";
    issue_comment: "issue_comment" "created";
    issues: "issues" "labeled";
    label: "label" "edited";
    merge_group: "merge_group" "checks_requested";
    milestone: "milestone" "closed";
    ping: "ping" "";
    projects_v2_item: "projects_v2_item" "edited";
    pull_request: "pull_request" "review_requested";
    pull_request_review: "pull_request_review" "submitted";
    pull_request_review_comment: "pull_request_review_comment" "created";
    pull_request_review_thread: "pull_request_review_thread" "resolved";
    push: "push" "";
    release: "release" "published";
    repository: "repository" "renamed";
    repository_dispatch: "repository_dispatch" "on-demand-test";
    repository_vulnerability_alert: "repository_vulnerability_alert" "create";
    security_advisory: "security_advisory" "published";
    star: "star" "created";
    status: "status" "";
    team: "team" "created";
    workflow_dispatch: "workflow_dispatch" "";
    workflow_job: "workflow_job" "completed";
    workflow_run: "workflow_run" "completed";
}

#[test]
fn the_sample_for_demonstrations() {
    let payload = serde_json::from_str(&fixture("issues.opened.json")).unwrap();
    insta::assert_json_snapshot!(shown("issues", &payload));
}

#[test]
fn push_with_commits() {
    let pushes = octokit().remove("push").unwrap();
    let commits = |payload: &&Value| payload["commits"].as_array().is_some_and(|c| !c.is_empty());
    insta::assert_json_snapshot!(shown("push", pushes.iter().find(commits).unwrap()));
}

#[test]
fn every_title() {
    let mut titles = Vec::new();
    for (event, payloads) in schema() {
        for payload in payloads {
            let parsed = parse(&event, &payload);
            titles.push(format!("{}: {}", parsed.kind, parsed.title));
        }
    }
    insta::assert_snapshot!(titles.join("\n"));
}

#[test]
fn the_configurations_schema() {
    let schema = triggerhouse_sdk::schema_of::<triggerhouse_provider_github::Config>();
    insta::assert_json_snapshot!(serde_json::from_str::<Value>(&schema).unwrap());
}
