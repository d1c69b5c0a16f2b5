//! Payloads that are not as GitHub documents them: an error if a filter decides on the value,
//! otherwise a missing fact.

use super::*;
use serde_json::json;

const CASES: &str = r#"
    issues.opened /issue null → an object, found null
    issues.opened /issue/number "7" → a whole number, found a string
    issues.opened /issue/labels {} → an array, found an object
    issues.opened /repository/full_name 1 → a string, found a number
    issues.opened /sender "octocat" → an object, found a string
    issues.opened /action ["opened"] → a string, found an array
    pull_request.opened /pull_request/base/ref null → a string, found null
    pull_request.opened /pull_request/draft "no" → a boolean, found a string
    push /ref 5 → a string, found a number
    push /commits "none" → an array, found a string
    check_run.completed /check_run/conclusion false → a string, found a boolean
    status /branches/0/name 1.5 → a string, found a number with a fraction
"#;

#[test]
fn an_error_names_the_pointer_and_both_types() {
    for case in testing::cases(CASES) {
        let (event, action) = case.example.split_once('.').unwrap_or((&case.example, ""));
        let payload = case.apply(example(event, action));
        assert_eq!(malformed(request(event, &payload)), case.error);
    }
}

#[test]
fn a_value_that_no_filter_decides_on_is_left_out() {
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
fn a_deleted_account_is_not_an_author() {
    let mut payload = example("issue_comment", "created");
    payload["comment"]["user"] = Value::Null;
    let event = parse("issue_comment", &payload);
    // The sender is not the author either: it may be a moderator.
    assert_eq!(facts(&event).author, None);
    let sender = facts(&event).sender.unwrap().login;
    rejects(&event, json!({"authors": [sender]}), "authors");
}
