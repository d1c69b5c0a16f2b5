//! Each field of the configuration.

mod configuration;

use super::*;
use serde_json::json;

fn issue() -> Event {
    let mut payload = example("issues", "opened");
    payload["issue"]["labels"] = json!([{"name": "Bug"}, {"name": "help wanted"}]);
    payload["issue"]["user"]["login"] = json!("Author");
    parse("issues", &payload)
}

fn pull_request(change: impl FnOnce(&mut Value)) -> Event {
    let mut payload = example("pull_request", "opened");
    change(&mut payload);
    parse("pull_request", &payload)
}

fn push(reference: &str, paths: Value) -> Event {
    let payload = json!({
        "ref": reference, "after": "b",
        "commits": [{"added": paths, "modified": [], "removed": []}],
        "repository": {"full_name": "o/r"}, "sender": {"login": "octocat", "type": "User"}
    });
    parse("push", &payload)
}

#[test]
fn an_entry_matches_every_action_or_the_named_one() {
    accepts(&issue(), json!({"events": ["issues"]}));
    accepts(
        &issue(),
        json!({"events": ["issues.closed", "issues.opened"]}),
    );
    rejects(
        &issue(),
        json!({"events": ["issues.closed", "pull_request", "issue"]}),
        "events",
    );
    let dispatch = json!({"action": "deploy.v2", "client_payload": {"a": 1}});
    let event = parse("repository_dispatch", &dispatch);
    accepts(&event, json!({"events": ["repository_dispatch.deploy.v2"]}));
    rejects(
        &event,
        json!({"events": ["repository_dispatch.deploy"]}),
        "events",
    );
}

#[test]
fn fields_are_joined_by_and_and_entries_by_or() {
    let event = issue();
    accepts(
        &event,
        json!({"events": ["push", "issues"], "labels": ["bug", "x"], "authors": ["author"]}),
    );
    rejects(
        &event,
        json!({"events": ["push", "issues"], "labels": ["x"], "authors": ["author"]}),
        "labels",
    );
    rejects(
        &event,
        json!({"labels": ["bug"], "authors": ["other"]}),
        "authors",
    );
}

#[test]
fn an_empty_list_and_null_match_everything() {
    accepts(
        &issue(),
        json!({"events": [], "branches": [], "paths": [], "merged": null, "draft": null}),
    );
}

#[test]
fn repositories_are_globs_that_ignore_case() {
    let event = issue();
    let name = facts(&event).repository.unwrap().full_name;
    let owner = name.split('/').next().unwrap();
    accepts(&event, json!({"repositories": [name.to_uppercase()]}));
    accepts(&event, json!({"repositories": [format!("{owner}/*")]}));
    rejects(
        &event,
        json!({"repositories": ["*", "other/*"]}),
        "repositories",
    );
    let nowhere = parse(
        "github_app_authorization",
        &example("github_app_authorization", "revoked"),
    );
    rejects(&nowhere, json!({"repositories": ["**"]}), "repositories");
}

#[test]
fn organizations_come_from_the_payload_or_the_repositorys_owner() {
    let mut payload = example("issues", "opened");
    payload["organization"] = json!({"login": "Octo-Org"});
    accepts(
        &parse("issues", &payload),
        json!({"organizations": ["octo-org"]}),
    );
    payload.as_object_mut().unwrap().remove("organization");
    payload["repository"]["owner"] = json!({"login": "Octo-Org", "type": "Organization"});
    accepts(
        &parse("issues", &payload),
        json!({"organizations": ["octo-org"]}),
    );
    payload["repository"]["owner"]["type"] = json!("User");
    rejects(
        &parse("issues", &payload),
        json!({"organizations": ["octo-org"]}),
        "organizations",
    );
}

#[test]
fn branches_are_a_pull_requests_base_and_never_its_head() {
    let event = pull_request(|payload| {
        payload["pull_request"]["base"]["ref"] = json!("release/1.2");
        payload["pull_request"]["head"]["ref"] = json!("main");
    });
    accepts(&event, json!({"branches": ["release/*"]}));
    rejects(&event, json!({"branches": ["main"]}), "branches");
    // A glob matches the whole name.
    rejects(&event, json!({"branches": ["release"]}), "branches");
}

#[test]
fn branches_are_those_of_pushes_checks_workflows_and_statuses() {
    accepts(
        &push("refs/heads/a/b", json!([])),
        json!({"branches": ["a/**"]}),
    );
    rejects(
        &push("refs/heads/a/b", json!([])),
        json!({"branches": ["*"]}),
        "branches",
    );
    rejects(
        &push("refs/tags/main", json!([])),
        json!({"branches": ["main"]}),
        "branches",
    );
    for (event, action, pointer) in [
        (
            "check_run",
            "completed",
            "/check_run/check_suite/head_branch",
        ),
        ("check_suite", "completed", "/check_suite/head_branch"),
        ("workflow_run", "completed", "/workflow_run/head_branch"),
        ("workflow_job", "completed", "/workflow_job/head_branch"),
        ("pull_request_review", "submitted", "/pull_request/base/ref"),
        ("deployment", "created", "/deployment/ref"),
    ] {
        let mut payload = example(event, action);
        payload
            .pointer_mut(pointer)
            .unwrap_or(&mut Value::Null)
            .take();
        set(&mut payload, pointer, json!("topic"));
        accepts(&parse(event, &payload), json!({"branches": ["topic"]}));
        rejects(
            &parse(event, &payload),
            json!({"branches": ["main"]}),
            "branches",
        );
    }
    let mut payload = example("status", "");
    payload["branches"] = json!([{"name": "one"}, {"name": "two"}]);
    accepts(&parse("status", &payload), json!({"branches": ["two"]}));
}

fn set(payload: &mut Value, pointer: &str, value: Value) {
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    payload.pointer_mut(parent).unwrap()[key] = value;
}

#[test]
fn an_event_without_a_branch_never_matches_branches() {
    assert_eq!(
        verdict(&issue(), json!({"branches": ["**"]})),
        Verdict::Reject("branches: the event has none".into())
    );
}

#[test]
fn tags_are_pushed_created_deleted_and_released() {
    accepts(&push("refs/tags/v1.2", json!([])), json!({"tags": ["v*"]}));
    rejects(
        &push("refs/heads/v1", json!([])),
        json!({"tags": ["v*"]}),
        "tags",
    );
    for event in ["create", "delete"] {
        let mut payload =
            json!({"ref": "v2", "ref_type": "tag", "repository": {"full_name": "o/r"}});
        accepts(&parse(event, &payload), json!({"tags": ["v2"]}));
        rejects(
            &parse(event, &payload),
            json!({"branches": ["v2"]}),
            "branches",
        );
        payload["ref_type"] = json!("branch");
        rejects(&parse(event, &payload), json!({"tags": ["v2"]}), "tags");
        accepts(&parse(event, &payload), json!({"branches": ["v2"]}));
    }
    let mut payload = example("release", "published");
    payload["release"]["tag_name"] = json!("2026.1");
    accepts(&parse("release", &payload), json!({"tags": ["2026.*"]}));
}

#[test]
fn labels_are_those_of_the_issue_pull_request_or_discussion() {
    accepts(&issue(), json!({"labels": ["none", "BUG"]}));
    rejects(&issue(), json!({"labels": ["bu"]}), "labels");
    for (event, action, entity) in [
        ("pull_request", "labeled", "pull_request"),
        ("pull_request_review", "submitted", "pull_request"),
        ("issue_comment", "created", "issue"),
        ("discussion", "created", "discussion"),
        ("issues", "unlabeled", "issue"),
    ] {
        let mut payload = example(event, action);
        payload[entity]["labels"] = json!([{"name": "p1"}, null, "p2"]);
        accepts(&parse(event, &payload), json!({"labels": ["P1"]}));
        accepts(&parse(event, &payload), json!({"labels": ["p2"]}));
        payload[entity]["labels"] = json!([]);
        rejects(&parse(event, &payload), json!({"labels": ["p1"]}), "labels");
    }
    // A job's labels select a runner.
    let job = parse("workflow_job", &example("workflow_job", "completed"));
    let runner = facts(&job).workflow.unwrap().runner_labels;
    assert!(!runner.is_empty());
    rejects(&job, json!({"labels": runner}), "labels");
}

#[test]
fn authors_are_the_authors_of_the_subject() {
    for (event, action, pointer) in [
        ("issues", "labeled", "/issue/user"),
        ("pull_request", "closed", "/pull_request/user"),
        ("issue_comment", "created", "/comment/user"),
        ("commit_comment", "created", "/comment/user"),
        ("pull_request_review", "submitted", "/review/user"),
        ("pull_request_review_comment", "created", "/comment/user"),
        ("discussion", "created", "/discussion/user"),
        ("discussion_comment", "created", "/comment/user"),
        ("release", "published", "/release/author"),
        ("deployment", "created", "/deployment/creator"),
        ("push", "", "/sender"),
        ("star", "created", "/sender"),
    ] {
        let mut payload = example(event, action);
        set(&mut payload, &format!("{pointer}/login"), json!("Somebody"));
        accepts(&parse(event, &payload), json!({"authors": ["somebody"]}));
        rejects(
            &parse(event, &payload),
            json!({"authors": ["someone"]}),
            "authors",
        );
    }
    let advisory = parse(
        "security_advisory",
        &example("security_advisory", "published"),
    );
    rejects(&advisory, json!({"authors": ["somebody"]}), "authors");
}

#[test]
fn bots_are_recognized_by_type_or_name() {
    let from = |login: &str, kind: &str| {
        let mut payload = example("issues", "opened");
        payload["sender"] = json!({"login": login, "type": kind});
        parse("issues", &payload)
    };
    let config = json!({"exclude_bots": true});
    rejects(&from("helper", "Bot"), config.clone(), "exclude_bots");
    rejects(
        &from("dependabot[bot]", "User"),
        config.clone(),
        "exclude_bots",
    );
    accepts(&from("bot-lover", "User"), config.clone());
    accepts(&from("helper", "Bot"), json!({"exclude_bots": false}));
    // Without a sender, no bot caused it.
    accepts(
        &parse(
            "security_advisory",
            &example("security_advisory", "published"),
        ),
        config,
    );
}

#[test]
fn draft_applies_to_pull_requests_and_releases_only() {
    for draft in [true, false] {
        let event = pull_request(|payload| payload["pull_request"]["draft"] = json!(draft));
        accepts(&event, json!({"draft": draft}));
        rejects(&event, json!({"draft": !draft}), "draft");
        let mut payload = example("release", "published");
        payload["release"]["draft"] = json!(draft);
        accepts(&parse("release", &payload), json!({"draft": draft}));
        rejects(&issue(), json!({"draft": draft}), "draft");
    }
}

#[test]
fn merged_is_the_moment_of_the_merge() {
    let event = |action: &str, merged: bool| {
        pull_request(|payload| {
            payload["action"] = json!(action);
            payload["pull_request"]["merged"] = json!(merged);
        })
    };
    accepts(&event("closed", true), json!({"merged": true}));
    rejects(&event("closed", true), json!({"merged": false}), "merged");
    accepts(&event("closed", false), json!({"merged": false}));
    accepts(&event("opened", false), json!({"merged": false}));
    rejects(&event("opened", false), json!({"merged": true}), "merged");
    // A label on a pull request merged last year.
    rejects(&event("labeled", true), json!({"merged": true}), "merged");
    rejects(&event("labeled", true), json!({"merged": false}), "merged");
    rejects(&issue(), json!({"merged": false}), "merged");
}

#[test]
fn conclusions_are_the_results_of_checks_workflows_statuses_and_deployments() {
    for (event, action, pointer) in [
        ("check_run", "completed", "/check_run/conclusion"),
        ("check_suite", "completed", "/check_suite/conclusion"),
        ("workflow_run", "completed", "/workflow_run/conclusion"),
        ("workflow_job", "completed", "/workflow_job/conclusion"),
        ("status", "", "/state"),
        ("deployment_status", "created", "/deployment_status/state"),
    ] {
        let mut payload = example(event, action);
        set(&mut payload, pointer, json!("timed_out"));
        accepts(
            &parse(event, &payload),
            json!({"conclusions": ["failure", "TIMED_OUT"]}),
        );
        rejects(
            &parse(event, &payload),
            json!({"conclusions": ["failure"]}),
            "conclusions",
        );
    }
    let mut payload = example("check_run", "created");
    payload["check_run"]["conclusion"] = Value::Null;
    rejects(
        &parse("check_run", &payload),
        json!({"conclusions": ["success"]}),
        "conclusions",
    );
    rejects(&issue(), json!({"conclusions": ["success"]}), "conclusions");
}

#[test]
fn paths_are_the_files_of_a_push_only() {
    let event = push("refs/heads/main", json!(["src/lib.rs", "README.md"]));
    accepts(&event, json!({"paths": ["docs/**", "src/**"]}));
    accepts(&event, json!({"paths": ["*.md"]}));
    rejects(&event, json!({"paths": ["*.rs", "docs/**"]}), "paths");
    rejects(
        &push("refs/heads/main", json!([])),
        json!({"paths": ["**"]}),
        "paths",
    );
    assert_eq!(
        verdict(&pull_request(|_| ()), json!({"paths": ["**"]})),
        Verdict::Reject("paths: only a push names files; this is pull_request".into())
    );
}
