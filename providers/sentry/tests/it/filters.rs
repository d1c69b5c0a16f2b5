//! Each field of the configuration.

mod configuration;

use super::*;
use serde_json::json;

fn issue() -> Event {
    parse("issue", &example("issue", "assigned"))
}

fn alert() -> Event {
    parse("event_alert", &example("event_alert", "triggered"))
}

fn metric() -> Event {
    parse("metric_alert", &example("metric_alert", "critical"))
}

fn legacy() -> Event {
    parse("legacy", &zulip().remove("legacy").unwrap()[0])
}

/// Events that are about neither an issue, an event nor a measured value.
fn others() -> Vec<Event> {
    let kinds = [
        ("comment", "created"),
        ("installation", "created"),
        ("seer", "pr_created"),
    ];
    let parsed = kinds
        .iter()
        .map(|(resource, action)| parse(resource, &example(resource, action)));
    parsed.collect()
}

#[test]
fn an_entry_matches_every_action_or_the_named_one() {
    accepts(&issue(), json!({"events": ["issue"]}));
    accepts(
        &issue(),
        json!({"events": ["issue.created", "issue.assigned"]}),
    );
    rejects(
        &issue(),
        json!({"events": ["issue.created", "event_alert", "issu"]}),
        "events",
    );
    let dotted = parse(
        "issue",
        &with(example("issue", "created"), "/action", json!("a.b")),
    );
    accepts(&dotted, json!({"events": ["issue.a.b"]}));
    rejects(&dotted, json!({"events": ["issue.a"]}), "events");
}

#[test]
fn fields_are_joined_by_and_and_entries_by_or() {
    let event = alert();
    accepts(
        &event,
        json!({"events": ["issue", "event_alert"], "projects": ["x", "bakery-api"], "min_level": "info"}),
    );
    rejects(
        &event,
        json!({"projects": ["bakery-api"], "platforms": ["go"]}),
        "platforms",
    );
    rejects(
        &event,
        json!({"projects": ["x"], "platforms": ["python"]}),
        "projects",
    );
}

#[test]
fn an_empty_list_and_null_match_everything() {
    let config = json!({
        "events": [], "projects": [], "rules": [], "min_level": null, "environments": [],
        "platforms": [], "statuses": [], "tags": [], "assignees": []
    });
    for (resource, payload) in all() {
        accepts(&parse(&resource, &payload), config.clone());
    }
}

#[test]
fn projects_are_slugs_or_ids_and_ignore_case() {
    for project in ["bakery-api", "Bakery-API", "1201"] {
        accepts(&issue(), json!({"projects": [project]}));
        accepts(&alert(), json!({"projects": [project]}));
    }
    accepts(&metric(), json!({"projects": ["bakery-api"]}));
    accepts(&legacy(), json!({"projects": ["foo-live"]}));
    accepts(&legacy(), json!({"projects": ["218288"]}));
    accepts(&others()[0], json!({"projects": ["bakery-api"]}));
    let build = parse(
        "preprod_artifact",
        &example("preprod_artifact", "build_distribution_completed"),
    );
    accepts(&build, json!({"projects": ["bakery-app"]}));
    accepts(&build, json!({"projects": ["1202"]}));
    // Neither a name nor a part of a slug.
    for project in ["Bakery API", "bakery", "120"] {
        rejects(&issue(), json!({"projects": [project]}), "projects");
    }
    for event in &others()[1..] {
        rejects(event, json!({"projects": ["bakery-api"]}), "projects");
    }
}

#[test]
fn rules_are_those_of_issue_alerts_metric_alerts_and_the_plugin() {
    accepts(&alert(), json!({"rules": ["ovens: PAGE the baker"]}));
    accepts(&metric(), json!({"rules": ["Too many burnt loaves"]}));
    accepts(
        &legacy(),
        json!({"rules": ["Send a notification for new events"]}),
    );
    rejects(&alert(), json!({"rules": ["Ovens"]}), "rules");
    rejects(
        &issue(),
        json!({"rules": ["Ovens: page the baker"]}),
        "rules",
    );
    let alerts = example_app().remove("event_alert").unwrap();
    rejects(
        &parse("event_alert", &alerts[0]),
        json!({"rules": ["issue alert"]}),
        "rules",
    );
    accepts(
        &parse("event_alert", &alerts[1]),
        json!({"rules": ["issue alert"]}),
    );
}

#[test]
fn the_plugin_may_name_several_rules() {
    let mut payload = zulip().remove("legacy").unwrap().remove(0);
    payload["triggering_rules"] = json!(["One", "", "Two"]);
    let event = parse("legacy", &payload);
    assert!(event.title.contains(" (One, Two): "), "{}", event.title);
    accepts(&event, json!({"rules": ["two"]}));
    payload["triggering_rules"] = Value::Null;
    rejects(
        &parse("legacy", &payload),
        json!({"rules": ["two"]}),
        "rules",
    );
}

#[test]
fn min_level_is_the_lowest_that_matches() {
    let levels = ["debug", "info", "warning", "error", "fatal"];
    for (at, level) in levels.iter().enumerate() {
        let event = parse(
            "issue",
            &with(
                example("issue", "created"),
                "/data/issue/level",
                json!(level),
            ),
        );
        for (lowest, wanted) in levels.iter().enumerate() {
            if at >= lowest {
                accepts(&event, json!({"min_level": wanted}));
            } else {
                rejects(&event, json!({"min_level": wanted}), "min_level");
            }
        }
    }
}

#[test]
fn an_event_without_a_level_or_with_an_unknown_one_never_matches() {
    for level in [
        Value::Null,
        json!(""),
        json!("sample"),
        json!("ERROR"),
        json!("critical"),
    ] {
        let event = parse(
            "issue",
            &with(example("issue", "created"), "/data/issue/level", level),
        );
        rejects(&event, json!({"min_level": "debug"}), "min_level");
    }
    for event in others().iter().chain([&metric()]) {
        rejects(event, json!({"min_level": "debug"}), "min_level");
    }
}

#[test]
fn a_level_that_is_only_in_the_tags_counts() {
    let payload = without(example("event_alert", "triggered"), "/data/event", "level");
    let event = parse("event_alert", &payload);
    accepts(&event, json!({"min_level": "warning"}));
    rejects(&event, json!({"min_level": "error"}), "min_level");
    let neither = with(payload, "/data/event/tags", json!([]));
    rejects(
        &parse("event_alert", &neither),
        json!({"min_level": "debug"}),
        "min_level",
    );
}

#[test]
fn environments_match_with_their_case() {
    for event in [alert(), metric()] {
        accepts(&event, json!({"environments": ["staging", "production"]}));
        rejects(
            &event,
            json!({"environments": ["Production"]}),
            "environments",
        );
        rejects(&event, json!({"environments": ["prod"]}), "environments");
    }
    rejects(
        &issue(),
        json!({"environments": ["production"]}),
        "environments",
    );
    let everywhere = with(
        example("metric_alert", "critical"),
        "/data/metric_alert/alert_rule/environment",
        Value::Null,
    );
    rejects(
        &parse("metric_alert", &everywhere),
        json!({"environments": ["production"]}),
        "environments",
    );
}

#[test]
fn platforms_are_those_of_the_program_and_not_of_the_project() {
    accepts(&issue(), json!({"platforms": ["Python"]}));
    accepts(&alert(), json!({"platforms": ["python"]}));
    rejects(
        &issue(),
        json!({"platforms": ["python-django"]}),
        "platforms",
    );
    let build = parse(
        "preprod_artifact",
        &example("preprod_artifact", "build_distribution_completed"),
    );
    accepts(&build, json!({"platforms": ["apple"]}));
    rejects(&metric(), json!({"platforms": ["python"]}), "platforms");
}

#[test]
fn statuses_are_an_issues_status_and_substatus_or_a_builds_state() {
    let regressed = parse("issue", &example("issue", "unresolved"));
    accepts(&regressed, json!({"statuses": ["Regressed"]}));
    accepts(&regressed, json!({"statuses": ["unresolved"]}));
    rejects(
        &regressed,
        json!({"statuses": ["resolved", "escalating"]}),
        "statuses",
    );
    let archived = parse("issue", &example("issue", "archived"));
    accepts(
        &archived,
        json!({"statuses": ["archived_until_escalating"]}),
    );
    accepts(&archived, json!({"statuses": ["ignored"]}));
    rejects(&archived, json!({"statuses": ["archived"]}), "statuses");
    let builds = documented().remove("preprod_artifact").unwrap();
    accepts(
        &parse("preprod_artifact", &builds[1]),
        json!({"statuses": ["failed"]}),
    );
    for event in [alert(), metric()].iter().chain(&others()) {
        rejects(
            event,
            json!({"statuses": ["unresolved", "pending", "2"]}),
            "statuses",
        );
    }
}

#[test]
fn a_tag_matches_with_its_value_or_with_any() {
    accepts(&alert(), json!({"tags": ["oven=3"]}));
    accepts(&alert(), json!({"tags": ["oven"]}));
    for tag in ["oven=4", "oven=33", "Oven=3", "oven_id", "level=error"] {
        rejects(&alert(), json!({"tags": [tag]}), "tags");
    }
    for event in [issue(), metric()].iter().chain(&others()) {
        rejects(event, json!({"tags": ["level"]}), "tags");
    }
}

#[test]
fn entries_of_one_key_are_alternatives_and_every_key_must_match() {
    accepts(&alert(), json!({"tags": ["oven=2", "oven=3"]}));
    accepts(&alert(), json!({"tags": ["oven=2", "oven"]}));
    accepts(
        &alert(),
        json!({"tags": ["oven=2", "oven=3", "handled=no"]}),
    );
    rejects(&alert(), json!({"tags": ["oven=3", "handled=yes"]}), "tags");
    rejects(&alert(), json!({"tags": ["oven=3", "customer"]}), "tags");
}

#[test]
fn a_tags_value_may_contain_the_separator() {
    let payload = with(
        example("event_alert", "triggered"),
        "/data/event/tags",
        json!([["url", "https://example.com/?a=b"], ["user", "id:1"]]),
    );
    let event = parse("event_alert", &payload);
    accepts(
        &event,
        json!({"tags": ["url=https://example.com/?a=b", "user=id:1"]}),
    );
    rejects(
        &event,
        json!({"tags": ["url=https://example.com/?a"]}),
        "tags",
    );
}

#[test]
fn assignees_match_by_name_address_or_id() {
    for assignee in ["mara lind", "Mara@Example.com", "4711"] {
        accepts(&issue(), json!({"assignees": [assignee]}));
    }
    rejects(
        &issue(),
        json!({"assignees": ["Mara", "user", "471"]}),
        "assignees",
    );
    let team = parse("issue", &zulip()["issue"][3]);
    for assignee in ["473371", "lone-wolf", "Example-Org"] {
        accepts(&team, json!({"assignees": [assignee]}));
    }
    // The owner, if the event is about something else.
    let resolved = of(example_app(), "issue", "resolved");
    accepts(
        &parse("issue", &resolved),
        json!({"assignees": ["person@example.com"]}),
    );
    let nobody = parse("issue", &example("issue", "created"));
    rejects(&nobody, json!({"assignees": ["Mara Lind"]}), "assignees");
    // The actor is not the assignee.
    let by_mara = parse("issue", &example("issue", "archived"));
    rejects(&by_mara, json!({"assignees": ["Mara Lind"]}), "assignees");
    rejects(
        &others()[0],
        json!({"assignees": ["Mara Lind"]}),
        "assignees",
    );
}
