//! Snapshots of one event for each type.

use super::*;

fn shown(kind: &str, action: &str) -> Value {
    show(&example(kind, action))
}

fn show(payload: &Value) -> Value {
    testing::shown(&parse(payload), "milliseconds")
}

testing::snapshots! { Linear, shown;
    agent_session_created: "AgentSessionEvent", "created";
    agent_session_prompted: "AgentSessionEvent", "prompted";
    app_user_notification: "AppUserNotification", "issueCommentReaction";
    attachment: "Attachment", "create";
    audit_entry: "AuditEntry", "create";
    comment: "Comment", "update";
    customer: "Customer", "update";
    customer_need: "CustomerNeed", "create";
    cycle: "Cycle", "update";
    document: "Document", "create";
    initiative: "Initiative", "update";
    initiative_label: "InitiativeLabel", "create";
    initiative_update: "InitiativeUpdate", "create";
    issue: "Issue", "update";
    issue_label: "IssueLabel", "update";
    issue_sla: "IssueSLA", "breached";
    oauth_app: "OAuthApp", "revoked";
    oauth_authorization: "OAuthAuthorization", "revoked";
    permission_change: "PermissionChange", "teamAccessChanged";
    project: "Project", "update";
    project_label: "ProjectLabel", "create";
    project_update: "ProjectUpdate", "create";
    reaction: "Reaction", "create";
    release: "Release", "update";
    release_note: "ReleaseNote", "create";
    user: "User", "update";
}

#[test]
fn the_sample_for_demonstrations() {
    let payload = serde_json::from_str(&fixture("issue.update.json")).unwrap();
    insta::assert_json_snapshot!(show(&payload));
}

#[test]
fn an_issue_of_2021() {
    let issues = collection("linear-webhook.json").remove("Issue").unwrap();
    insta::assert_json_snapshot!(show(&issues[2]));
}

#[test]
fn a_comment_of_2023() {
    let comments = collection("trigger-dev.json").remove("Comment").unwrap();
    insta::assert_json_snapshot!(show(&comments[0]));
}

#[test]
fn every_title() {
    let collections = [schema(), received()];
    let payloads = collections.iter().flat_map(Collection::values).flatten();
    insta::assert_snapshot!(testing::titles(payloads.map(parse)));
}
