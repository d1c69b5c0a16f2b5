//! Snapshots of one event for each family.

use super::*;

fn shown(event: &str, action: &str) -> Value {
    show(event, &example(event, action))
}

fn show(event: &str, payload: &Value) -> Value {
    testing::shown(&parse(event, payload), "seconds")
}

testing::snapshots! { GitHub, shown;
    check_run: "check_run", "completed";
    check_suite: "check_suite", "completed";
    code_scanning_alert: "code_scanning_alert", "reopened";
    commit_comment: "commit_comment", "created";
    create: "create", "";
    delete: "delete", "";
    dependabot_alert: "dependabot_alert", "created";
    deployment: "deployment", "created";
    deployment_review: "deployment_review", "requested";
    deployment_status: "deployment_status", "created";
    discussion: "discussion", "answered";
    discussion_comment: "discussion_comment", "created";
    fork: "fork", "";
    gollum: "gollum", "";
    installation: "installation", "created";
    installation_repositories: "installation_repositories", "added";
    issue_comment: "issue_comment", "created";
    issues: "issues", "labeled";
    label: "label", "edited";
    merge_group: "merge_group", "checks_requested";
    milestone: "milestone", "closed";
    ping: "ping", "";
    projects_v2_item: "projects_v2_item", "edited";
    pull_request: "pull_request", "review_requested";
    pull_request_review: "pull_request_review", "submitted";
    pull_request_review_comment: "pull_request_review_comment", "created";
    pull_request_review_thread: "pull_request_review_thread", "resolved";
    push: "push", "";
    release: "release", "published";
    repository: "repository", "renamed";
    repository_dispatch: "repository_dispatch", "on-demand-test";
    repository_vulnerability_alert: "repository_vulnerability_alert", "create";
    security_advisory: "security_advisory", "published";
    star: "star", "created";
    status: "status", "";
    team: "team", "created";
    workflow_dispatch: "workflow_dispatch", "";
    workflow_job: "workflow_job", "completed";
    workflow_run: "workflow_run", "completed";
}

#[test]
fn the_sample_for_demonstrations() {
    let payload = serde_json::from_str(&fixture("issues.opened.json")).unwrap();
    insta::assert_json_snapshot!(show("issues", &payload));
}

#[test]
fn push_with_commits() {
    let pushes = octokit().remove("push").unwrap();
    let commits = |payload: &&Value| payload["commits"].as_array().is_some_and(|c| !c.is_empty());
    insta::assert_json_snapshot!(show("push", pushes.iter().find(commits).unwrap()));
}

#[test]
fn every_title() {
    let payloads = schema().into_iter().flat_map(|(event, payloads)| {
        let parse = move |payload| parse(&event, &payload);
        payloads.into_iter().map(parse)
    });
    insta::assert_snapshot!(testing::titles(payloads));
}
