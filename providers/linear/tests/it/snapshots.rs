//! What one example of each type becomes.

use super::*;

/// The event as people and consumers see it.
fn shown(payload: &Value) -> Value {
    let parsed = parse(payload);
    let time = parsed.occurred_at.map(|time| time / 1_000);
    serde_json::json!({
        "title": parsed.title,
        "kind": parsed.kind,
        "actor": parsed.actor,
        "url": parsed.url,
        "occurred_at_milliseconds": time,
        "facts": serde_json::from_str::<Value>(&parsed.facts).unwrap(),
    })
}

macro_rules! types {
    ($($name:ident: $kind:literal $action:literal;)+) => {
        $(#[test]
        fn $name() {
            insta::assert_json_snapshot!(shown(&example($kind, $action)));
        })+
    };
}

types! {
    agent_session_created: "AgentSessionEvent" "created";
    agent_session_prompted: "AgentSessionEvent" "prompted";
    app_user_notification: "AppUserNotification" "issueCommentReaction";
    attachment: "Attachment" "create";
    audit_entry: "AuditEntry" "create";
    comment: "Comment" "update";
    customer: "Customer" "update";
    customer_need: "CustomerNeed" "create";
    cycle: "Cycle" "update";
    document: "Document" "create";
    initiative: "Initiative" "update";
    initiative_label: "InitiativeLabel" "create";
    initiative_update: "InitiativeUpdate" "create";
    issue: "Issue" "update";
    issue_label: "IssueLabel" "update";
    issue_sla: "IssueSLA" "breached";
    oauth_app: "OAuthApp" "revoked";
    oauth_authorization: "OAuthAuthorization" "revoked";
    permission_change: "PermissionChange" "teamAccessChanged";
    project: "Project" "update";
    project_label: "ProjectLabel" "create";
    project_update: "ProjectUpdate" "create";
    reaction: "Reaction" "create";
    release: "Release" "update";
    release_note: "ReleaseNote" "create";
    user: "User" "update";
}

#[test]
fn the_sample_for_demonstrations() {
    let payload = serde_json::from_str(&fixture("issue.update.json")).unwrap();
    insta::assert_json_snapshot!(shown(&payload));
}

#[test]
fn an_issue_of_2021() {
    let issues = collection("linear-webhook.json").remove("Issue").unwrap();
    insta::assert_json_snapshot!(shown(&issues[2]));
}

#[test]
fn a_comment_of_2023() {
    let comments = collection("trigger-dev.json").remove("Comment").unwrap();
    insta::assert_json_snapshot!(shown(&comments[0]));
}

#[test]
fn every_title() {
    let mut titles = Vec::new();
    for collection in [schema(), received()] {
        for payload in collection.values().flatten() {
            let parsed = parse(payload);
            titles.push(format!("{}: {}", parsed.kind, parsed.title));
        }
    }
    insta::assert_snapshot!(titles.join("\n"));
}

#[test]
fn the_configurations_schema() {
    let schema = triggerhouse_sdk::schema_of::<triggerhouse_provider_linear::Config>();
    insta::assert_json_snapshot!(serde_json::from_str::<Value>(&schema).unwrap());
}
