//! Each field of the configuration.

use super::*;
use serde_json::json;

fn issue() -> Event {
    parse(&example("Issue", "update"))
}

fn with(change: impl FnOnce(&mut Value)) -> Event {
    let mut payload = example("Issue", "update");
    change(&mut payload["data"]);
    parse(&payload)
}

#[test]
fn a_type_matches_every_action_and_a_kind_one_ignoring_case() {
    for wanted in ["Issue", "issue", "Issue.update", "ISSUE.UPDATE"] {
        accepts(&issue(), json!({"events": [wanted]}));
    }
    for wanted in ["Issue.create", "IssueLabel", "Iss", "Issue.", "update"] {
        rejects(&issue(), json!({"events": [wanted]}), "events");
    }
    let sla = parse(&example("IssueSLA", "breached"));
    accepts(&sla, json!({"events": ["issuesla.breached"]}));
    rejects(&sla, json!({"events": ["Issue"]}), "events");
}

#[test]
fn an_action_that_linear_never_sends_is_an_invalid_configuration() {
    for wanted in [
        "Issue.created",
        "issue.Updated",
        "Comment.deleted",
        "Project.archived",
        "Release.delete",
    ] {
        invalid(&issue(), json!({"events": [wanted]}), "events");
    }
    // Linear sends these.
    let session = parse(&example("AgentSessionEvent", "created"));
    accepts(&session, json!({"events": ["AgentSessionEvent.created"]}));
    rejects(&session, json!({"events": ["NewThing.created"]}), "events");
}

#[test]
fn fields_are_joined_by_and_and_entries_by_or() {
    accepts(
        &issue(),
        json!({"events": ["User", "Issue"], "labels": ["x", "bug"], "teams": ["ENG"]}),
    );
    rejects(
        &issue(),
        json!({"events": ["User", "Issue"], "labels": ["x"], "teams": ["ENG"]}),
        "labels",
    );
    rejects(
        &issue(),
        json!({"labels": ["bug"], "teams": ["OPS"]}),
        "teams",
    );
}

#[test]
fn an_empty_list_matches_everything() {
    let all = [
        "events",
        "teams",
        "projects",
        "states",
        "state_types",
        "priorities",
        "labels",
        "assignees",
        "creators",
        "changed",
    ];
    let config: Value = all.map(|field| (field, json!([]))).into_iter().collect();
    accepts(&parse(&example("OAuthApp", "revoked")), config);
}

#[test]
fn a_field_rejects_an_event_without_its_value() {
    let event = parse(&example("OAuthApp", "revoked"));
    for field in [
        "teams",
        "projects",
        "states",
        "state_types",
        "labels",
        "assignees",
        "creators",
        "changed",
    ] {
        rejects(&event, json!({field: ["x"]}), field);
    }
    rejects(&event, json!({"priorities": [0]}), "priorities");
}

#[test]
fn teams_match_by_key_and_id_but_not_by_name() {
    let id = example("Issue", "update")["data"]["teamId"].clone();
    for wanted in [json!("ENG"), json!("eng"), id.clone()] {
        accepts(&issue(), json!({"teams": [wanted]}));
    }
    rejects(&issue(), json!({"teams": ["Engineering", "EN"]}), "teams");
    accepts(
        &parse(&example("Project", "create")),
        json!({"teams": [id]}),
    );
    for kind in ["Cycle", "IssueLabel"] {
        accepts(&parse(&example(kind, "create")), json!({"teams": [id]}));
    }
    accepts(
        &parse(&example("PermissionChange", "teamAccessChanged")),
        json!({"teams": [id]}),
    );
}

#[test]
fn the_team_of_an_issue_applies_to_events_about_the_issue() {
    for (kind, action) in [
        ("Comment", "create"),
        ("Reaction", "create"),
        ("CustomerNeed", "create"),
        ("AppUserNotification", "issueNewComment"),
        ("AgentSessionEvent", "created"),
        ("IssueSLA", "set"),
    ] {
        accepts(&parse(&example(kind, action)), json!({"teams": ["ENG"]}));
    }
    // In 2023 a comment has its issue, and the issue has no team.
    let old = &collection("trigger-dev.json")["Comment"][0];
    rejects(&parse(old), json!({"teams": ["TRI"]}), "teams");
}

#[test]
fn projects_match_by_name_and_id() {
    let id = example("Issue", "update")["data"]["projectId"].clone();
    for wanted in [json!("Mobile app"), json!("mobile APP"), id.clone()] {
        accepts(&issue(), json!({"projects": [wanted]}));
    }
    rejects(&issue(), json!({"projects": ["Mobile"]}), "projects");
    for kind in ["Project", "ProjectUpdate", "CustomerNeed"] {
        accepts(
            &parse(&example(kind, "create")),
            json!({"projects": ["Mobile app"]}),
        );
    }
    // A document has the id of its project only.
    accepts(
        &parse(&example("Document", "create")),
        json!({"projects": [id]}),
    );
    for comment in &schema()["Comment"][3..5] {
        accepts(&parse(comment), json!({"projects": ["Mobile app"]}));
    }
    accepts(&parse(&schema()["Comment"][6]), json!({"projects": [id]}));
    accepts(
        &parse(&example("AppUserNotification", "documentMention")),
        json!({"projects": ["Mobile app"]}),
    );
}

#[test]
fn states_match_by_name_and_id() {
    let id = example("Issue", "update")["data"]["stateId"].clone();
    for wanted in [json!("In Review"), json!("in review"), id] {
        accepts(&issue(), json!({"states": [wanted]}));
    }
    rejects(&issue(), json!({"states": ["started", "Review"]}), "states");
    accepts(
        &parse(&example("Project", "update")),
        json!({"states": ["In Progress"]}),
    );
    accepts(
        &parse(&example("Initiative", "update")),
        json!({"states": ["active"]}),
    );
    accepts(
        &parse(&example("Release", "update")),
        json!({"states": ["Canary"]}),
    );
}

#[test]
fn an_issue_that_enters_a_state_is_an_update_that_changed_it() {
    let config =
        json!({"events": ["Issue.update"], "changed": ["stateId"], "states": ["In Review"]});
    accepts(&issue(), config.clone());
    let mut payload = example("Issue", "update");
    payload["updatedFrom"] = json!({"title": "before"});
    rejects(&parse(&payload), config.clone(), "changed");
    rejects(&parse(&example("Issue", "create")), config, "events");
}

#[test]
fn state_types_are_linears_own_and_ignore_case() {
    accepts(&issue(), json!({"state_types": ["Started"]}));
    rejects(
        &issue(),
        json!({"state_types": ["completed", "In Review"]}),
        "state_types",
    );
    let duplicate = with(|data| data["state"]["type"] = json!("duplicate"));
    accepts(&duplicate, json!({"state_types": ["duplicate"]}));
    accepts(
        &parse(&example("Project", "update")),
        json!({"state_types": ["started"]}),
    );
    // A project of 2023 has a type as its state, which also counts beside an id.
    let mut old = collection("trigger-dev.json")["Project"][0].clone();
    accepts(&parse(&old), json!({"state_types": ["backlog"]}));
    old["data"]["statusId"] = json!("s");
    accepts(
        &parse(&old),
        json!({"state_types": ["backlog"], "states": ["s"]}),
    );
    invalid(
        &issue(),
        json!({"state_types": ["Cancelled"]}),
        "state_types",
    );
}

#[test]
fn a_missing_priority_matches_no_priority() {
    for missing in [Value::Null, json!({})] {
        let mut payload = example("Issue", "update");
        match missing {
            Value::Null => payload["data"]["priority"] = Value::Null,
            _ => {
                payload["data"].as_object_mut().unwrap().remove("priority");
            }
        }
        let event = parse(&payload);
        assert_eq!(facts(&event).priority, None);
        rejects(&event, json!({"priorities": [0, 1, 2, 3, 4]}), "priorities");
    }
}

#[test]
fn priorities_are_linears_numbers() {
    accepts(&issue(), json!({"priorities": [2, 1]}));
    rejects(&issue(), json!({"priorities": [0, 2, 3, 4]}), "priorities");
    accepts(
        &with(|data| data["priority"] = json!(0)),
        json!({"priorities": [0]}),
    );
    accepts(
        &with(|data| data["priority"] = json!(4.0)),
        json!({"priorities": [4]}),
    );
    rejects(
        &with(|data| data["priority"] = json!(-1)),
        json!({"priorities": [0, 1]}),
        "priorities",
    );
    rejects(
        &with(|data| data["priority"] = json!(257)),
        json!({"priorities": [1]}),
        "priorities",
    );
    accepts(
        &parse(&example("Project", "create")),
        json!({"priorities": [2]}),
    );
    accepts(
        &parse(&example("Initiative", "create")),
        json!({"priorities": [0]}),
    );
    invalid(&issue(), json!({"priorities": [5]}), "priorities");
    invalid(&issue(), json!({"priorities": [256]}), "256");
    invalid(&issue(), json!({"priorities": ["high"]}), "high");
}

#[test]
fn the_importance_of_a_customer_request_is_not_a_priority() {
    // On its scale, 1 means important.
    let event = parse(&example("CustomerNeed", "create"));
    rejects(&event, json!({"priorities": [1]}), "priorities");
}

#[test]
fn labels_match_by_name_and_id() {
    let id = example("Issue", "update")["data"]["labelIds"][0].clone();
    for wanted in [json!("Bug"), json!("bug"), id.clone()] {
        accepts(&issue(), json!({"labels": [wanted]}));
    }
    rejects(&issue(), json!({"labels": ["Bu", "Bugs"]}), "labels");
    rejects(
        &with(|data| {
            data["labels"] = json!([]);
            data["labelIds"] = json!([]);
        }),
        json!({"labels": ["Bug"]}),
        "labels",
    );
    // Either list suffices.
    let without_labels = with(|data| data["labels"] = Value::Null);
    accepts(&without_labels, json!({"labels": [id]}));
    let without_ids = with(|data| data["labelIds"] = Value::Null);
    accepts(&without_ids, json!({"labels": ["Bug"]}));
    accepts(&without_ids, json!({"labels": [id]}));
    accepts(
        &parse(&example("IssueLabel", "update")),
        json!({"labels": ["Bug"]}),
    );
}

#[test]
fn people_match_by_name_address_and_id() {
    let person = example("Issue", "update")["data"]["assignee"].clone();
    for wanted in [json!("bob"), json!("BOB@example.com"), person["id"].clone()] {
        accepts(&issue(), json!({"assignees": [wanted]}));
    }
    // Neither the creator nor the delegated agent.
    rejects(
        &issue(),
        json!({"assignees": ["Ada Lovelace", "Helper", "example.com"]}),
        "assignees",
    );
    for wanted in ["ada lovelace", "ada@example.com"] {
        accepts(&issue(), json!({"creators": [wanted]}));
    }
    rejects(&issue(), json!({"creators": ["Bob"]}), "creators");
    let unassigned = with(|data| {
        data["assignee"] = Value::Null;
        data["assigneeId"] = Value::Null;
    });
    rejects(&unassigned, json!({"assignees": ["Bob"]}), "assignees");
    // A user who left has an id only.
    let gone = with(|data| data["assignee"] = Value::Null);
    accepts(&gone, json!({"assignees": [person["id"]]}));
}

#[test]
fn a_comments_creator_is_its_author() {
    accepts(
        &parse(&example("Comment", "create")),
        json!({"creators": ["Ada Lovelace"]}),
    );
    let comments = schema().remove("Comment").unwrap();
    accepts(&parse(&comments[8]), json!({"creators": ["GitHub"]}));
    for kind in ["ProjectUpdate", "InitiativeUpdate"] {
        accepts(
            &parse(&example(kind, "create")),
            json!({"creators": ["ada@example.com"]}),
        );
    }
    accepts(
        &parse(&example("Reaction", "create")),
        json!({"creators": ["Bob"]}),
    );
    let external = schema()["Issue"].last().unwrap().clone();
    accepts(&parse(&external), json!({"creators": ["eve@example.org"]}));
}

#[test]
fn changed_matches_keys_of_an_update() {
    accepts(&issue(), json!({"changed": ["stateid", "x"]}));
    rejects(
        &issue(),
        json!({"changed": ["state", "assigneeId"]}),
        "changed",
    );
    rejects(
        &parse(&example("Issue", "create")),
        json!({"changed": ["stateId"]}),
        "changed",
    );
    accepts(
        &parse(&example("Project", "update")),
        json!({"changed": ["statusId"]}),
    );
}

#[test]
fn unknown_fields_and_wrong_types_are_invalid() {
    invalid(&issue(), json!({"label": ["Bug"]}), "label");
    invalid(&issue(), json!({"labels": "Bug"}), "sequence");
    invalid(&issue(), json!({"ignore_apps": "yes"}), "boolean");
    invalid(&issue(), json!({"events": [1]}), "string");
}
