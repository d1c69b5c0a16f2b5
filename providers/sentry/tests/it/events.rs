//! Events that resemble others, and their contents.

use super::*;
use serde_json::json;

#[test]
fn an_issue_alert_and_an_error_are_events_without_an_issue() {
    for (resource, action) in [("event_alert", "triggered"), ("error", "created")] {
        let payload = example(resource, action);
        assert!(payload.pointer("/data/issue").is_none());
        let event = parse(resource, &payload);
        assert_eq!(event.kind, format!("{resource}.{action}"));
        accepts(
            &event,
            json!({"projects": ["bakery-api"], "min_level": "warning"}),
        );
        assert_eq!(facts(&event).issue_id.as_deref(), Some("90210"));
    }
}

#[test]
fn the_key_contains_the_action() {
    // Without the action, a created issue could never be resolved.
    let created = example("issue", "created");
    let mut keys: Vec<String> = ["created", "resolved", "assigned", "archived", "unresolved"]
        .iter()
        .map(|action| with(created.clone(), "/action", json!(action)))
        .map(|payload| parse("issue", &payload).dedup_key)
        .collect();
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), 5);
}

#[test]
fn the_environment_is_the_events_own_or_its_tag() {
    let alert = example("event_alert", "triggered");
    let environment = |payload: &Value| facts(&parse("event_alert", payload)).environment;
    let without_field = without(alert.clone(), "/data/event", "environment");
    assert_eq!(environment(&without_field).as_deref(), Some("production"));
    let null = with(alert.clone(), "/data/event/environment", Value::Null);
    assert_eq!(environment(&null).as_deref(), Some("production"));
    let without_tag = with(
        alert.clone(),
        "/data/event/tags",
        json!([["level", "error"]]),
    );
    assert_eq!(environment(&without_tag).as_deref(), Some("production"));
    let own = with(alert, "/data/event/environment", json!("staging"));
    assert_eq!(environment(&own).as_deref(), Some("staging"));
    let neither = with(without_field, "/data/event/tags", json!([]));
    assert_eq!(environment(&neither), None);
    let event = parse("event_alert", &neither);
    rejects(
        &event,
        json!({"environments": ["production"]}),
        "environments",
    );
}

#[test]
fn the_resource_comes_from_the_header_and_never_from_the_body() {
    // All three are `created` and resemble each other.
    let mut payload = example("issue", "created");
    payload["data"]["error"] = example("error", "created")["data"]["error"].clone();
    payload["data"]["comment_id"] = json!(1);
    payload["data"]["event"] = json!({});
    for resource in ["issue", "error", "comment"] {
        let event = parse(resource, &payload);
        assert_eq!(event.kind, format!("{resource}.created"));
        let facts = facts(&event);
        assert_eq!(facts.issue.is_some(), resource == "issue");
        assert_eq!(facts.event.is_some(), resource == "error");
        assert_eq!(facts.comment.is_some(), resource == "comment");
    }
}

#[test]
fn an_events_project_is_a_number_and_its_slug_comes_from_the_url() {
    let alerts = zulip().remove("event_alert").unwrap();
    let project = facts(&parse("event_alert", &alerts[2])).project.unwrap();
    assert_eq!(project.id.as_deref(), Some("4505278293147648"));
    assert_eq!(project.slug.as_deref(), Some("python"));
    let elsewhere = with(
        alerts[2].clone(),
        "/data/event/url",
        json!("https://sentry.io/python/"),
    );
    let event = parse("event_alert", &elsewhere);
    assert_eq!(facts(&event).project.unwrap().slug, None);
    assert!(
        event.title.starts_with("[4505278293147648] "),
        "{}",
        event.title
    );
    accepts(&event, json!({"projects": ["4505278293147648"]}));
    rejects(&event, json!({"projects": ["python"]}), "projects");
}

#[test]
fn an_issues_count_is_a_number_although_sentry_writes_text() {
    let issue = facts(&parse("issue", &example("issue", "resolved")))
        .issue
        .unwrap();
    assert_eq!((issue.count, issue.user_count), (Some(12), Some(3)));
}

#[test]
fn an_assignment_names_its_assignee_and_not_the_next_one() {
    let mut payload = example("issue", "assigned");
    payload["data"]["issue"]["assignedTo"] = json!({"type": "team", "id": "9", "name": "bakers"});
    let event = parse("issue", &payload);
    assert_eq!(
        event.title,
        "[bakery-api] Issue BAKERY-API-7F assigned to Mara Lind: OvenTooHot: 300 degrees"
    );
    accepts(&event, json!({"assignees": ["mara lind"]}));
    rejects(&event, json!({"assignees": ["bakers"]}), "assignees");
    let payload = without(payload, "/data", "assignee");
    accepts(&parse("issue", &payload), json!({"assignees": ["bakers"]}));
}

#[test]
fn an_assignee_is_completed_from_the_owner_if_the_two_are_the_same() {
    let mut payload = example("issue", "assigned");
    payload["data"]["assignee"] = json!({"type": "user", "id": 4711});
    let assignee = facts(&parse("issue", &payload)).assignee.unwrap();
    assert_eq!(assignee.name.as_deref(), Some("Mara Lind"));
    assert_eq!(assignee.email.as_deref(), Some("mara@example.com"));
    // A team can have the same number as a user.
    payload["data"]["assignee"]["type"] = json!("team");
    let assignee = facts(&parse("issue", &payload)).assignee.unwrap();
    assert_eq!(
        (assignee.name, assignee.slug, assignee.email),
        (None, None, None)
    );
}

#[test]
fn a_teams_name_is_its_slug_in_one_place_and_its_name_in_the_other() {
    let payload = zulip().remove("issue").unwrap().remove(3);
    let assignee = facts(&parse("issue", &payload)).assignee.unwrap();
    assert_eq!(assignee.name.as_deref(), Some("example-org"));
    assert_eq!(assignee.slug.as_deref(), Some("lone-wolf"));
    let event = parse("issue", &without(payload, "/data", "assignee"));
    assert!(
        event.title.contains(" assigned to lone-wolf: "),
        "{}",
        event.title
    );
    let assignee = facts(&event).assignee.unwrap();
    assert_eq!(
        (assignee.name, assignee.slug.as_deref()),
        (None, Some("lone-wolf"))
    );
}

#[test]
fn a_title_says_why_an_issue_is_back_and_how_long_it_is_archived() {
    let title = |action: &str, change: fn(&mut Value)| {
        let mut payload = example("issue", action);
        change(&mut payload["data"]["issue"]);
        parse("issue", &payload).title
    };
    let starts = |title: String, expected: &str| assert!(title.starts_with(expected), "{title}");
    starts(
        title("unresolved", |_| {}),
        "[bakery-api] Issue BAKERY-API-7F unresolved (regressed): ",
    );
    starts(
        title("archived", |_| {}),
        "[bakery-api] Issue BAKERY-API-7F archived until escalating: ",
    );
    starts(
        title("archived", |issue| {
            issue["substatus"] = json!("archived_forever")
        }),
        "[bakery-api] Issue BAKERY-API-7F archived forever: ",
    );
    starts(
        title("resolved", |issue| issue["shortId"] = Value::Null),
        "[bakery-api] Issue 90210 resolved: ",
    );
}

#[test]
fn the_last_exception_is_the_one_and_its_innermost_frame_comes_first() {
    let event = facts(&parse("error", &example("error", "created")))
        .event
        .unwrap();
    let exception = event.exception.unwrap();
    assert_eq!(exception.kind.as_deref(), Some("OvenTooHot"));
    assert_eq!(exception.handled, Some(false));
    let frame = &event.frames[0];
    assert_eq!(
        (frame.function.as_deref(), frame.line),
        (Some("bake"), Some(88))
    );
    assert_eq!((frame.in_app, event.frames.len()), (Some(true), 2));
}

#[test]
fn an_occurrence_without_an_error_has_its_title() {
    let alerts = documented().remove("event_alert").unwrap();
    let payload = without(alerts[1].clone(), "/data/event", "title");
    let event = parse("event_alert", &payload);
    assert_eq!(
        event.title,
        "[bakery-api] Issue alert triggered (Slow queries): Slow DB Query"
    );
    let occurrence = facts(&event).event.unwrap().occurrence.unwrap();
    assert_eq!(occurrence.subtitle.as_deref(), Some("SELECT * FROM loaves"));
}

#[test]
fn a_test_notification_has_no_rule() {
    let alerts = zulip().remove("event_alert").unwrap();
    assert_eq!(alerts[2].pointer("/data/triggered_rule"), Some(&json!("")));
    let event = parse("event_alert", &alerts[2]);
    assert_eq!(
        event.title,
        "[python] Issue alert triggered: This is an example Python exception"
    );
    rejects(&event, json!({"rules": ["Any"]}), "rules");
}

#[test]
fn a_metric_alert_belongs_to_each_project_that_it_watches() {
    let payload = example("metric_alert", "critical");
    let two = with(
        payload.clone(),
        "/data/metric_alert/projects",
        json!(["ovens", "tills"]),
    );
    let event = parse("metric_alert", &two);
    assert_eq!(
        event.title,
        "[crumb] Metric alert critical: Too many burnt loaves"
    );
    for project in ["ovens", "Tills"] {
        accepts(&event, json!({"projects": [project]}));
    }
    rejects(&event, json!({"projects": ["bakery-api"]}), "projects");
    let of_rule = without(payload, "/data/metric_alert", "projects");
    accepts(
        &parse("metric_alert", &of_rule),
        json!({"projects": ["bakery-api"]}),
    );
}

#[test]
fn an_edited_comment_has_no_time() {
    let created = parse("comment", &example("comment", "created"));
    assert_eq!(created.occurred_at, Some(1_772_452_800_118_160));
    for action in ["updated", "deleted"] {
        assert_eq!(
            parse("comment", &example("comment", action)).occurred_at,
            None
        );
    }
}

#[test]
fn the_plugins_body_with_a_header_is_not_a_legacy_event() {
    let body = zulip().remove("legacy").unwrap().remove(0);
    let event = parse("legacy", &body);
    assert_eq!(event.kind, "legacy.triggered");
    assert_eq!(
        event.title,
        "[foo-live] Issue alert triggered (Send a notification for new events): ValueError: new sentry error."
    );
    let headers = [("sentry-hook-resource", "issue")];
    let named = WebhookRequest::for_test(&headers, body.to_string().as_bytes());
    assert_eq!(
        Sentry::parse(named),
        Err(ParseError::Malformed(
            "/data/issue: expected an object, found nothing".into()
        ))
    );
}

#[test]
fn the_plugins_own_tags_lose_their_prefix() {
    let mut body = zulip().remove("legacy").unwrap().remove(0);
    body["event"]["tags"] = json!([
        ["sentry:release", "2.0"],
        ["environment", "prod"],
        null,
        ["x", null]
    ]);
    let facts = facts(&parse("legacy", &body));
    assert_eq!(facts.environment.as_deref(), Some("prod"));
    assert_eq!(facts.event.unwrap().release.as_deref(), Some("2.0"));
    assert_eq!(facts.tags.len(), 2);
}

#[test]
fn an_unknown_resource_works() {
    let payload = json!({
        "action": "half_baked",
        "installation": {"uuid": "u"},
        "data": {
            "bread_order": {"id": 5, "title": "Rye", "status": "hot", "url": "https://sentry.io/api/0/b/5/", "web_url": "https://sentry.io/b/5"},
            "project_slug": "bakery"
        },
        "actor": {"type": "user", "id": 1, "name": "Mara Lind"}
    });
    let event = parse("bread_order", &payload);
    assert_eq!(event.kind, "bread_order.half_baked");
    assert_eq!(event.title, "[bakery] Bread order half baked: Rye");
    assert_eq!(event.url.as_deref(), Some("https://sentry.io/b/5"));
    accepts(
        &event,
        json!({"events": ["bread_order"], "projects": ["bakery"]}),
    );
    let bare = parse("bread_order", &json!({}));
    assert_eq!(
        (bare.kind.as_str(), bare.title.as_str()),
        ("bread_order", "Bread order")
    );
    for data in [
        json!([]),
        json!({"bread_order": 1}),
        json!({"project": 5}),
        json!("x"),
    ] {
        let odd = parse("bread_order", &json!({"action": "baked", "data": data}));
        assert_eq!(odd.title, "Bread order baked");
    }
}
