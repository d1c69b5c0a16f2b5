//! Payloads that are not as Linear documents them: an error if a filter decides on the value,
//! otherwise a missing fact.

use super::*;
use serde_json::json;

const CASES: &str = r#"
    Issue.update /type null → a string, found null
    Issue.update /type " " → the name of a type such as `Issue`, found an empty string
    Issue.update /action ["update"] → a string, found an array
    Issue.update /action "" → an action such as `update`, found an empty string
    Issue.update /data null → an object, found null
    Issue.update /data/id {} → a string or whole number, found an object
    Issue.update /data/title null → a string, found null
    Issue.update /data/title 7 → a string, found a number
    Issue.update /data/labels {"nodes": []} → an array, found an object
    Issue.update /data/labels/0 "Bug" → /data/labels/0/name: expected a string, found nothing
    Issue.update /data/labels/0/name 1 → a string, found a number
    Issue.update /data/labelIds/0 5 → a string, found a number
    Issue.update /data/state "Done" → an object, found a string
    Issue.update /data/state/type false → a string, found a boolean
    Issue.update /data/priority "1" → a whole number, found a string
    Issue.update /data/priority 1.5 → a whole number, found a number with a fraction
    Issue.update /data/team/key 1 → a string, found a number
    Issue.update /data/project [] → an object, found an array
    Issue.update /data/assignee/email true → a string, found a boolean
    Issue.update /data/creator "Ada" → an object, found a string
    Issue.update /updatedFrom ["stateId"] → an object, found an array
    IssueSLA.set /issueData 1 → an object, found a number
    Comment.create /data/issue/team "ENG" → an object, found a string
    Comment.create /data/user 1 → an object, found a number
    Project.update /data/teamIds/1 null → a string, found null
    Project.update /data/status/name 1 → a string, found a number
    Initiative.update /data/status {} → a string, found an object
    Cycle.update /data/teamId 1 → a string, found a number
    PermissionChange.teamAccessChanged /addedTeamIds "x" → an array, found a string
    AppUserNotification.issueMention /notification null → an object, found null
    AgentSessionEvent.created /agentSession [] → an object, found an array
    AgentSessionEvent.prompted /agentActivity/user 1 → an object, found a number
"#;

#[test]
fn an_error_names_the_pointer_and_both_types() {
    for case in testing::cases(CASES) {
        let (kind, action) = case.example.split_once('.').unwrap();
        let payload = case.apply(example(kind, action));
        assert_eq!(malformed(request(&payload)), case.error);
    }
}

#[test]
fn a_value_that_no_filter_decides_on_is_left_out() {
    let mut payload = example("Issue", "update");
    payload["url"] = json!(7);
    payload["createdAt"] = json!("yesterday");
    payload["organizationId"] = json!(1);
    for key in [
        "url",
        "description",
        "dueDate",
        "cycle",
        "projectMilestone",
        "delegate",
        "estimate",
        "priorityLabel",
        "botActor",
    ] {
        payload["data"][key] = json!([1]);
    }
    let event = parse(&payload);
    assert_eq!((event.url, event.occurred_at), (None, None));
    let issue = facts(&parse(&payload)).issue.unwrap();
    assert_eq!(
        (issue.description, issue.due_date, issue.estimate),
        (None, None, None)
    );
    assert_eq!(
        (issue.cycle, issue.milestone, issue.delegate),
        (None, None, None)
    );
}

#[test]
fn a_link_that_no_browser_opens_is_left_out() {
    let mut payload = example("Attachment", "create");
    for link in [
        "javascript:alert(1)",
        "",
        "ftp://x",
        &format!("https://{}", "x".repeat(5_000)),
    ] {
        payload["data"]["url"] = json!(link);
        assert_eq!(parse(&payload).url, None);
    }
}

#[test]
fn a_time_beyond_the_limit_is_left_out() {
    let mut payload = example("Issue", "update");
    for time in [
        json!("9999-12-31T23:59:59Z"),
        json!(u64::MAX),
        json!(-1),
        json!("-4712-01-01T00:00:00Z"),
    ] {
        payload["createdAt"] = time;
        assert_eq!(parse(&payload).occurred_at, None);
    }
}
