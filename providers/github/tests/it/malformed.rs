//! What is not as GitHub documents it: an error where it matters, a missing fact
//! where it does not.

use super::*;
use serde_json::json;

fn error(event: &str, payload: &Value) -> String {
    match GitHub::parse(request(event, payload)) {
        Err(ParseError::Malformed(text)) => text,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_error_names_the_pointer_and_both_types() {
    let cases = [
        (
            "issues",
            "opened",
            "/issue",
            json!(null),
            "/issue: expected an object, found null",
        ),
        (
            "issues",
            "opened",
            "/issue/number",
            json!("7"),
            "/issue/number: expected a whole number, found a string",
        ),
        (
            "issues",
            "opened",
            "/issue/labels",
            json!({}),
            "/issue/labels: expected an array, found an object",
        ),
        (
            "issues",
            "opened",
            "/repository/full_name",
            json!(1),
            "/repository/full_name: expected a string, found a number",
        ),
        (
            "issues",
            "opened",
            "/sender",
            json!("octocat"),
            "/sender: expected an object, found a string",
        ),
        (
            "issues",
            "opened",
            "/action",
            json!(["opened"]),
            "/action: expected a string, found an array",
        ),
        (
            "pull_request",
            "opened",
            "/pull_request/base/ref",
            json!(null),
            "/pull_request/base/ref: expected a string, found null",
        ),
        (
            "pull_request",
            "opened",
            "/pull_request/draft",
            json!("no"),
            "/pull_request/draft: expected a boolean, found a string",
        ),
        (
            "push",
            "",
            "/ref",
            json!(5),
            "/ref: expected a string, found a number",
        ),
        (
            "push",
            "",
            "/commits",
            json!("none"),
            "/commits: expected an array, found a string",
        ),
        (
            "check_run",
            "completed",
            "/check_run/conclusion",
            json!(false),
            "/check_run/conclusion: expected a string, found a boolean",
        ),
        (
            "status",
            "",
            "/branches/0/name",
            json!(1.5),
            "/branches/0/name: expected a string, found a number with a fraction",
        ),
    ];
    for (event, action, pointer, value, expected) in cases {
        let mut payload = example(event, action);
        *payload.pointer_mut(pointer).unwrap() = value;
        assert_eq!(error(event, &payload), expected);
    }
}

#[test]
fn what_is_merely_nice_to_have_is_left_out() {
    let mut payload = example("issues", "opened");
    payload["issue"]["html_url"] = json!(7);
    payload["issue"]["body"] = json!(["text"]);
    payload["issue"]["updated_at"] = json!("yesterday");
    payload["issue"]["created_at"] = json!({});
    payload["issue"]["milestone"] = json!(true);
    payload["repository"]["default_branch"] = json!(0);
    let event = parse("issues", &payload);
    let issue = facts(&event).issue.unwrap();
    assert_eq!((issue.url, issue.body, issue.milestone), (None, None, None));
    assert_eq!(event.occurred_at, None);
    assert_eq!(
        event.url.as_deref(),
        payload["repository"]["html_url"].as_str()
    );
}

#[test]
fn a_link_that_no_browser_opens_is_left_out() {
    let mut payload = example("issues", "opened");
    for link in [
        "javascript:alert(1)",
        "",
        "ftp://x",
        &format!("https://{}", "x".repeat(5_000)),
    ] {
        payload["issue"]["html_url"] = json!(link);
        assert_eq!(
            parse("issues", &payload).url.as_deref(),
            payload["repository"]["html_url"].as_str()
        );
    }
}

#[test]
fn a_deleted_account_is_no_author() {
    let mut payload = example("issue_comment", "created");
    payload["comment"]["user"] = Value::Null;
    let event = parse("issue_comment", &payload);
    // Not the sender either, who may be a moderator.
    assert_eq!(facts(&event).author, None);
    let sender = facts(&event).sender.unwrap().login;
    rejects(&event, json!({"authors": [sender]}), "authors");
}
