//! What is not as Sentry documents it: an error where it matters, a missing fact where
//! it does not.

use super::*;
use serde_json::json;

fn error(resource: &str, payload: &Value) -> String {
    match Sentry::parse(request(resource, payload)) {
        Err(ParseError::Malformed(text)) => text,
        other => panic!("{other:?}"),
    }
}

/// A value at a pointer of an example, and what is said of it.
type Case = (
    &'static str,
    &'static str,
    &'static str,
    Value,
    &'static str,
);

fn cases() -> Vec<Case> {
    let issue = |pointer, value, expected| ("issue", "assigned", pointer, value, expected);
    let alert = |pointer, value, expected| ("event_alert", "triggered", pointer, value, expected);
    let metric = |pointer, value, expected| ("metric_alert", "critical", pointer, value, expected);
    let build = |pointer, value, expected| {
        (
            "preprod_artifact",
            "build_distribution_completed",
            pointer,
            value,
            expected,
        )
    };
    vec![
        issue(
            "/action",
            json!(1),
            "/action: expected a string, found a number",
        ),
        issue(
            "/data",
            json!([]),
            "/data/issue: expected an object, found nothing",
        ),
        issue(
            "/data/issue",
            Value::Null,
            "/data/issue: expected an object, found null",
        ),
        issue(
            "/data/issue/id",
            Value::Null,
            "/data/issue/id: expected a string or whole number, found null",
        ),
        issue(
            "/data/issue/id",
            json!(1.5),
            "/data/issue/id: expected a string or whole number, found a number with a fraction",
        ),
        issue(
            "/data/issue/level",
            json!(40),
            "/data/issue/level: expected a string, found a number",
        ),
        issue(
            "/data/issue/status",
            json!(0),
            "/data/issue/status: expected a string, found a number",
        ),
        issue(
            "/data/issue/substatus",
            json!(["new"]),
            "/data/issue/substatus: expected a string, found an array",
        ),
        issue(
            "/data/issue/platform",
            json!({}),
            "/data/issue/platform: expected a string, found an object",
        ),
        issue(
            "/data/issue/project",
            json!("bakery-api"),
            "/data/issue/project: expected an object, found a string",
        ),
        issue(
            "/data/issue/project/id",
            json!(true),
            "/data/issue/project/id: expected a string or whole number, found a boolean",
        ),
        issue(
            "/data/issue/project/slug",
            json!(7),
            "/data/issue/project/slug: expected a string, found a number",
        ),
        issue(
            "/data/issue/assignedTo",
            json!("user:1"),
            "/data/issue/assignedTo: expected an object, found a string",
        ),
        issue(
            "/data/issue/assignedTo/name",
            json!(1),
            "/data/issue/assignedTo/name: expected a string, found a number",
        ),
        issue(
            "/data/assignee/email",
            json!(["a"]),
            "/data/assignee/email: expected a string, found an array",
        ),
        issue(
            "/data/assignee/id",
            json!({}),
            "/data/assignee/id: expected a string or whole number, found an object",
        ),
        alert(
            "/data/event",
            json!("x"),
            "/data/event: expected an object, found a string",
        ),
        alert(
            "/data/event/url",
            json!(1),
            "/data/event/url: expected a string, found a number",
        ),
        alert(
            "/data/event/project",
            json!("x".len() as f64 + 0.5),
            "/data/event/project: expected a string or whole number, found a number with a fraction",
        ),
        alert(
            "/data/event/level",
            json!(false),
            "/data/event/level: expected a string, found a boolean",
        ),
        alert(
            "/data/event/environment",
            json!(["a"]),
            "/data/event/environment: expected a string, found an array",
        ),
        alert(
            "/data/event/platform",
            json!(1),
            "/data/event/platform: expected a string, found a number",
        ),
        alert(
            "/data/event/tags",
            json!({"a": "b"}),
            "/data/event/tags: expected an array, found an object",
        ),
        alert(
            "/data/event/tags/1",
            json!("a"),
            "/data/event/tags/1: expected an array, found a string",
        ),
        alert(
            "/data/event/tags/1/1",
            json!(5),
            "/data/event/tags/1/1: expected a string, found a number",
        ),
        alert(
            "/data/triggered_rule",
            json!(5),
            "/data/triggered_rule: expected a string, found a number",
        ),
        alert(
            "/data/issue_alert/title",
            json!([]),
            "/data/issue_alert/title: expected a string, found an array",
        ),
        (
            "error",
            "created",
            "/data/error",
            json!([]),
            "/data/error: expected an object, found an array",
        ),
        metric(
            "/data/metric_alert",
            json!(1),
            "/data/metric_alert: expected an object, found a number",
        ),
        metric(
            "/data/metric_alert/alert_rule/name",
            json!(1),
            "/data/metric_alert/alert_rule/name: expected a string, found a number",
        ),
        metric(
            "/data/metric_alert/alert_rule/environment",
            json!({"name": "p"}),
            "/data/metric_alert/alert_rule/environment: expected a string, found an object",
        ),
        metric(
            "/data/metric_alert/projects",
            json!("bar"),
            "/data/metric_alert/projects: expected an array, found a string",
        ),
        metric(
            "/data/metric_alert/projects/0",
            json!(1),
            "/data/metric_alert/projects/0: expected a string, found a number",
        ),
        (
            "comment",
            "created",
            "/data/comment_id",
            Value::Null,
            "/data/comment_id: expected a string or whole number, found null",
        ),
        (
            "comment",
            "created",
            "/data/project_slug",
            json!(1),
            "/data/project_slug: expected a string, found a number",
        ),
        (
            "installation",
            "created",
            "/data/installation",
            json!(1),
            "/data/installation: expected an object, found a number",
        ),
        (
            "seer",
            "pr_created",
            "/data",
            json!([]),
            "/data: expected an object, found an array",
        ),
        build(
            "/data/projectSlug",
            json!(1),
            "/data/projectSlug: expected a string, found a number",
        ),
        build(
            "/data/projectId",
            json!([]),
            "/data/projectId: expected a string or whole number, found an array",
        ),
        build(
            "/data/platform",
            json!(1),
            "/data/platform: expected a string, found a number",
        ),
        build(
            "/data/state",
            json!(true),
            "/data/state: expected a string, found a boolean",
        ),
    ]
}

#[test]
fn an_error_names_the_pointer_and_both_types() {
    for (resource, action, pointer, value, expected) in cases() {
        let payload = with(example(resource, action), pointer, value);
        assert_eq!(error(resource, &payload), expected);
    }
}

#[test]
fn the_plugins_body_is_read_as_strictly() {
    for (pointer, value, expected) in [
        (
            "/level",
            json!(40),
            "/level: expected a string, found a number",
        ),
        (
            "/project_slug",
            json!(1),
            "/project_slug: expected a string, found a number",
        ),
        (
            "/triggering_rules",
            json!("a"),
            "/triggering_rules: expected an array, found a string",
        ),
        (
            "/triggering_rules/0",
            json!({}),
            "/triggering_rules/0: expected a string, found an object",
        ),
        (
            "/event/project",
            json!([]),
            "/event/project: expected a string or whole number, found an array",
        ),
        (
            "/event/tags/0",
            json!(1),
            "/event/tags/0: expected an array, found a number",
        ),
    ] {
        let payload = zulip().remove("legacy").unwrap().remove(0);
        assert_eq!(error("legacy", &with(payload, pointer, value)), expected);
    }
}

#[test]
fn a_body_of_the_integration_platform_without_its_header_is_malformed() {
    for (resource, payload) in all() {
        if resource != "legacy" {
            let headerless = WebhookRequest::for_test(&[], payload.to_string().as_bytes());
            let Err(ParseError::Malformed(text)) = Sentry::parse(headerless) else {
                panic!("{resource} was guessed")
            };
            assert!(text.ends_with("found no such header"), "{text}");
        }
    }
}

#[test]
fn what_is_merely_nice_to_have_is_left_out() {
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
