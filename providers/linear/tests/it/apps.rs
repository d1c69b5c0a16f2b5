//! Recognition of apps: the guard against automations that start themselves.

use super::*;
use serde_json::json;

fn guarded() -> Value {
    json!({"ignore_apps": true})
}

fn by(actor: Value) -> Event {
    let mut payload = example("Issue", "update");
    payload["actor"] = actor;
    parse(&payload)
}

#[test]
fn people_are_not_apps_and_all_other_actors_are() {
    for kind in ["user", "User", "externalUser"] {
        accepts(
            &by(json!({"id": "1", "type": kind, "name": "Ada"})),
            guarded(),
        );
    }
    for kind in [
        "oauthClient",
        "integration",
        "bot",
        "workflow",
        "somethingNew",
    ] {
        let event = by(json!({"id": "1", "type": kind, "name": "Machine"}));
        rejects(&event, guarded(), "ignore_apps");
        accepts(&event, json!({}));
        accepts(&event, json!({"ignore_apps": false}));
    }
}

#[test]
fn an_app_that_acts_as_a_user_is_recognized_by_its_address() {
    // Linear's type is `user`. Judged by the type alone, an agent's own comment would start
    // the agent again.
    let address = "6EE0D291-4995-4a40-b02c-2381ccb6eaf8@OAuthApp.linear.app";
    let event = by(json!({"id": "1", "type": "user", "name": "Helper", "email": address}));
    rejects(&event, guarded(), "ignore_apps");
    let event = by(json!({"id": "1", "type": "user", "email": "oauthapp.linear.app@example.com"}));
    accepts(&event, guarded());
}

#[test]
fn an_integration_is_named_after_its_service() {
    let event = by(json!({"id": "1", "type": "integration", "service": "github"}));
    assert_eq!(event.actor.as_deref(), Some("github"));
    assert_eq!(
        verdict(&event, guarded()),
        Verdict::Reject("ignore_apps: github is an app".into())
    );
}

#[test]
fn a_bots_creation_is_an_apps_action_but_a_later_change_is_not() {
    let mut payload = example("Issue", "create");
    payload["data"]["botActor"] = json!({"type": "workflow", "name": "Linear"});
    payload["actor"] = Value::Null;
    let event = parse(&payload);
    rejects(&event, guarded(), "ignore_apps");
    assert!(facts(&event).created_by_bot);
    payload["data"]["botActor"] = json!("Linear");
    rejects(&parse(&payload), guarded(), "ignore_apps");
    // The actor is the author of a later change.
    payload["action"] = json!("update");
    payload["actor"] = json!({"id": "1", "type": "user", "name": "Ada"});
    accepts(&parse(&payload), guarded());
}

#[test]
fn the_author_is_the_actor_of_a_comment_without_one() {
    let mut payload = example("Comment", "create");
    payload.as_object_mut().unwrap().remove("actor");
    let event = parse(&payload);
    assert_eq!(event.actor.as_deref(), Some("Ada Lovelace"));
    accepts(&event, guarded());
    payload["data"]["user"]["email"] = json!("1@oauthapp.linear.app");
    rejects(&parse(&payload), guarded(), "ignore_apps");
    // An update may have another author.
    payload["action"] = json!("update");
    let event = parse(&payload);
    assert_eq!((event.actor.as_deref(), facts(&event).actor), (None, None));
}

#[test]
fn an_agent_that_prompts_itself_is_an_app() {
    let mut payload = example("AgentSessionEvent", "prompted");
    let event = parse(&payload);
    assert_eq!(event.actor.as_deref(), Some("Bob"));
    accepts(&event, guarded());
    payload["agentActivity"]["user"] = Value::Null;
    payload["agentActivity"]["userId"] = payload["appUserId"].clone();
    let event = parse(&payload);
    assert_eq!(event.actor, None);
    rejects(&event, guarded(), "ignore_apps");
}

#[test]
fn a_deleted_actor_is_absent() {
    let event = by(Value::Null);
    assert_eq!((event.actor.as_deref(), facts(&event).actor), (None, None));
    accepts(&event, guarded());
}

#[test]
fn an_unreadable_actor_is_malformed() {
    for (actor, expected) in [
        (json!("Ada"), "/actor: expected an object, found a string"),
        (
            json!({"type": 1}),
            "/actor/type: expected a string, found a number",
        ),
        (
            json!({"email": []}),
            "/actor/email: expected a string, found an array",
        ),
    ] {
        let mut payload = example("Issue", "update");
        payload["actor"] = actor;
        let result = Linear::parse(request(&payload));
        assert_eq!(result, Err(ParseError::Malformed(expected.into())));
    }
}
