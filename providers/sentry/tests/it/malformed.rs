//! Payloads that are not as Sentry documents them: an error if a filter decides on the value,
//! otherwise a missing fact.

use super::*;
use serde_json::json;

const CASES: &str = r#"
    issue.assigned /action 1 → a string, found a number
    issue.assigned /data [] → /data/issue: expected an object, found nothing
    issue.assigned /data/issue null → an object, found null
    issue.assigned /data/issue/id null → a string or whole number, found null
    issue.assigned /data/issue/id 1.5 → a string or whole number, found a number with a fraction
    issue.assigned /data/issue/level 40 → a string, found a number
    issue.assigned /data/issue/status 0 → a string, found a number
    issue.assigned /data/issue/substatus ["new"] → a string, found an array
    issue.assigned /data/issue/platform {} → a string, found an object
    issue.assigned /data/issue/project "bakery-api" → an object, found a string
    issue.assigned /data/issue/project/id true → a string or whole number, found a boolean
    issue.assigned /data/issue/project/slug 7 → a string, found a number
    issue.assigned /data/issue/assignedTo "user:1" → an object, found a string
    issue.assigned /data/issue/assignedTo/name 1 → a string, found a number
    issue.assigned /data/assignee/email ["a"] → a string, found an array
    issue.assigned /data/assignee/id {} → a string or whole number, found an object
    event_alert.triggered /data/event "x" → an object, found a string
    event_alert.triggered /data/event/url 1 → a string, found a number
    event_alert.triggered /data/event/project 1.5 → a string or whole number, found a number with a fraction
    event_alert.triggered /data/event/level false → a string, found a boolean
    event_alert.triggered /data/event/environment ["a"] → a string, found an array
    event_alert.triggered /data/event/platform 1 → a string, found a number
    event_alert.triggered /data/event/tags {"a": "b"} → an array, found an object
    event_alert.triggered /data/event/tags/1 "a" → an array, found a string
    event_alert.triggered /data/event/tags/1/1 5 → a string, found a number
    event_alert.triggered /data/triggered_rule 5 → a string, found a number
    event_alert.triggered /data/issue_alert/title [] → a string, found an array
    error.created /data/error [] → an object, found an array
    metric_alert.critical /data/metric_alert 1 → an object, found a number
    metric_alert.critical /data/metric_alert/alert_rule/name 1 → a string, found a number
    metric_alert.critical /data/metric_alert/alert_rule/environment {"name": "p"} → a string, found an object
    metric_alert.critical /data/metric_alert/projects "bar" → an array, found a string
    metric_alert.critical /data/metric_alert/projects/0 1 → a string, found a number
    comment.created /data/comment_id null → a string or whole number, found null
    comment.created /data/project_slug 1 → a string, found a number
    installation.created /data/installation 1 → an object, found a number
    seer.pr_created /data [] → an object, found an array
    preprod_artifact.build_distribution_completed /data/projectSlug 1 → a string, found a number
    preprod_artifact.build_distribution_completed /data/projectId [] → a string or whole number, found an array
    preprod_artifact.build_distribution_completed /data/platform 1 → a string, found a number
    preprod_artifact.build_distribution_completed /data/state true → a string, found a boolean
    legacy /level 40 → a string, found a number
    legacy /project_slug 1 → a string, found a number
    legacy /triggering_rules "a" → an array, found a string
    legacy /triggering_rules/0 {} → a string, found an object
    legacy /event/project [] → a string or whole number, found an array
    legacy /event/tags/0 1 → an array, found a number
"#;

#[test]
fn an_error_names_the_pointer_and_both_types() {
    for case in testing::cases(CASES) {
        let (resource, example) = match case.example.split_once('.') {
            Some((resource, action)) => (resource, example(resource, action)),
            None => ("legacy", zulip()["legacy"][0].clone()),
        };
        let payload = case.apply(example);
        assert_eq!(malformed(request(resource, &payload)), case.error);
    }
}

#[test]
fn a_body_of_the_integration_platform_without_its_header_is_malformed() {
    for (resource, payload) in all() {
        if resource != "legacy" {
            let headerless = WebhookRequest::for_test(&[], payload.to_string().as_bytes());
            let text = malformed(headerless);
            assert!(text.ends_with("found no such header"), "{text}");
        }
    }
}

#[test]
fn a_value_that_no_filter_decides_on_is_left_out() {
    let mut payload = example("issue", "created");
    for field in [
        "title",
        "culprit",
        "shortId",
        "web_url",
        "metadata",
        "firstSeen",
        "count",
        "url",
    ] {
        payload["data"]["issue"][field] = json!([7]);
    }
    payload["actor"] = json!("Sentry");
    payload["installation"] = json!(5);
    let event = parse("issue", &payload);
    assert_eq!(event.title, "[bakery-api] Issue 90210 created: (no title)");
    assert_eq!(
        (event.url, event.actor, event.occurred_at),
        (None, None, None)
    );
    let mut payload = example("error", "created");
    for field in [
        "title",
        "message",
        "exception",
        "stacktrace",
        "sdk",
        "datetime",
        "issue_id",
        "occurrence",
    ] {
        payload["data"]["error"][field] = json!({"values": {}, "frames": 1});
    }
    payload["data"]["error"]["timestamp"] = json!(-1);
    let event = parse("error", &payload);
    assert_eq!(event.title, "[bakery-api] Error created: (no title)");
    assert_eq!(event.occurred_at, None);
}

#[test]
fn a_link_that_no_browser_opens_is_left_out() {
    let long = format!("https://{}", "x".repeat(5_000));
    for link in ["javascript:alert(1)", "", "ftp://x", &long] {
        let payload = with(
            example("error", "created"),
            "/data/error/web_url",
            json!(link),
        );
        assert_eq!(parse("error", &payload).url, None);
    }
}
