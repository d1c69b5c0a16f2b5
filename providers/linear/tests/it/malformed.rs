//! Payloads that are not as Linear documents them: an error where it matters, a
//! missing fact where it does not.

use super::*;
use serde_json::json;

#[test]
fn an_error_names_the_pointer_and_both_types() {
    let issue = ("Issue", "update");
    let cases = [
        (
            issue,
            "/type",
            json!(null),
            "/type: expected a string, found null",
        ),
        (
            issue,
            "/type",
            json!(" "),
            "/type: expected the name of a type such as `Issue`, found an empty string",
        ),
        (
            issue,
            "/action",
            json!(["update"]),
            "/action: expected a string, found an array",
        ),
        (
            issue,
            "/action",
            json!(""),
            "/action: expected an action such as `update`, found an empty string",
        ),
        (
            issue,
            "/data",
            json!(null),
            "/data: expected an object, found null",
        ),
        (
            issue,
            "/data/id",
            json!({}),
            "/data/id: expected a string or whole number, found an object",
        ),
        (
            issue,
            "/data/title",
            json!(null),
            "/data/title: expected a string, found null",
        ),
        (
            issue,
            "/data/title",
            json!(7),
            "/data/title: expected a string, found a number",
        ),
        (
            issue,
            "/data/labels",
            json!({"nodes": []}),
            "/data/labels: expected an array, found an object",
        ),
        (
            issue,
            "/data/labels/0",
            json!("Bug"),
            "/data/labels/0/name: expected a string, found nothing",
        ),
        (
            issue,
            "/data/labels/0/name",
            json!(1),
            "/data/labels/0/name: expected a string, found a number",
        ),
        (
            issue,
            "/data/labelIds/0",
            json!(5),
            "/data/labelIds/0: expected a string, found a number",
        ),
        (
            issue,
            "/data/state",
            json!("Done"),
            "/data/state: expected an object, found a string",
        ),
        (
            issue,
            "/data/state/type",
            json!(false),
            "/data/state/type: expected a string, found a boolean",
        ),
        (
            issue,
            "/data/priority",
            json!("1"),
            "/data/priority: expected a whole number, found a string",
        ),
        (
            issue,
            "/data/priority",
            json!(1.5),
            "/data/priority: expected a whole number, found a number with a fraction",
        ),
        (
            issue,
            "/data/team/key",
            json!(1),
            "/data/team/key: expected a string, found a number",
        ),
        (
            issue,
            "/data/project",
            json!([]),
            "/data/project: expected an object, found an array",
        ),
        (
            issue,
            "/data/assignee/email",
            json!(true),
            "/data/assignee/email: expected a string, found a boolean",
        ),
        (
            issue,
            "/data/creator",
            json!("Ada"),
            "/data/creator: expected an object, found a string",
        ),
        (
            issue,
            "/updatedFrom",
            json!(["stateId"]),
            "/updatedFrom: expected an object, found an array",
        ),
        (
            ("IssueSLA", "set"),
            "/issueData",
            json!(1),
            "/issueData: expected an object, found a number",
        ),
        (
            ("Comment", "create"),
            "/data/issue/team",
            json!("ENG"),
            "/data/issue/team: expected an object, found a string",
        ),
        (
            ("Comment", "create"),
            "/data/user",
            json!(1),
            "/data/user: expected an object, found a number",
        ),
        (
            ("Project", "update"),
            "/data/teamIds/1",
            json!(null),
            "/data/teamIds/1: expected a string, found null",
        ),
        (
            ("Project", "update"),
            "/data/status/name",
            json!(1),
            "/data/status/name: expected a string, found a number",
        ),
        (
            ("Initiative", "update"),
            "/data/status",
            json!({}),
            "/data/status: expected a string, found an object",
        ),
        (
            ("Cycle", "update"),
            "/data/teamId",
            json!(1),
            "/data/teamId: expected a string, found a number",
        ),
        (
            ("PermissionChange", "teamAccessChanged"),
            "/addedTeamIds",
            json!("x"),
            "/addedTeamIds: expected an array, found a string",
        ),
        (
            ("AppUserNotification", "issueMention"),
            "/notification",
            json!(null),
            "/notification: expected an object, found null",
        ),
        (
            ("AgentSessionEvent", "created"),
            "/agentSession",
            json!([]),
            "/agentSession: expected an object, found an array",
        ),
        (
            ("AgentSessionEvent", "prompted"),
            "/agentActivity/user",
            json!(1),
            "/agentActivity/user: expected an object, found a number",
        ),
    ];
    for ((kind, action), pointer, value, expected) in cases {
        let mut payload = example(kind, action);
        *payload.pointer_mut(pointer).unwrap() = value;
        let result = Linear::parse(request(&payload));
        assert_eq!(result, Err(ParseError::Malformed(expected.into())));
    }
}

#[test]
fn what_is_merely_nice_to_have_is_left_out() {
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
fn a_time_beyond_all_calendars_is_no_time() {
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
