//! One occurrence, one key: retries share it, changes do not.

use super::*;
use serde_json::json;

fn key(resource: &str, payload: &Value) -> String {
    parse(resource, payload).dedup_key
}

/// Asserts that each change of a payload changes its key.
#[track_caller]
fn distinct(resource: &str, payload: &Value, changes: &[(&str, Value)]) {
    let mut keys = vec![key(resource, payload)];
    for (pointer, value) in changes {
        keys.push(key(
            resource,
            &with(payload.clone(), pointer, value.clone()),
        ));
    }
    let count = keys.len();
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), count, "{keys:#?}");
}

/// Asserts that a change of a payload keeps its key.
#[track_caller]
fn same(resource: &str, payload: &Value, changes: &[(&str, Value)]) {
    for (pointer, value) in changes {
        let changed = with(payload.clone(), pointer, value.clone());
        assert_eq!(key(resource, &changed), key(resource, payload), "{pointer}");
    }
}

#[test]
fn a_retry_has_the_same_key_although_its_headers_differ() {
    for (resource, payload) in all() {
        let first = request(&resource, &payload);
        let mut retry = first.clone();
        for header in &mut retry.headers {
            match header.name.as_str() {
                "request-id" => header.value = "another".into(),
                "sentry-hook-timestamp" => header.value = "1772444101".into(),
                _ => {}
            }
        }
        assert_eq!(Sentry::parse(first), Sentry::parse(retry), "{resource}");
    }
}

#[test]
fn the_creation_of_an_issue_has_one_key_at_any_count_of_events() {
    let payload = example("issue", "created");
    assert_eq!(
        key("issue", &payload),
        "sentry:issue:5d3f1c80-2f0e-4b7b-9b54-6f1f6b8e0a11:90210:created"
    );
    same(
        "issue",
        &payload,
        &[
            ("/data/issue/lastSeen", json!("2026-03-09T00:00:00Z")),
            ("/data/issue/count", json!("2")),
            (
                "/data/issue/assignedTo",
                json!({"type": "team", "id": "1", "name": "bakers"}),
            ),
        ],
    );
    distinct(
        "issue",
        &payload,
        &[
            ("/data/issue/id", json!("90211")),
            ("/installation/uuid", json!("another")),
            ("/action", json!("resolved")),
        ],
    );
}

#[test]
fn each_resolution_has_a_key_of_its_own() {
    let payload = example("issue", "resolved");
    distinct(
        "issue",
        &payload,
        &[
            // The issue came back and was resolved again.
            ("/data/issue/lastSeen", json!("2026-03-09T00:00:00Z")),
            ("/data/issue/statusDetails", json!({"inRelease": "2.5.0"})),
            ("/data/resolution_type", json!("now")),
            ("/actor/id", json!(4712)),
        ],
    );
    // Counters grow between two attempts.
    same(
        "issue",
        &payload,
        &[
            ("/data/issue/count", json!("13")),
            ("/data/issue/userCount", json!(4)),
            ("/data/issue/numComments", json!(1)),
        ],
    );
}

#[test]
fn two_assignments_have_two_keys() {
    let payload = example("issue", "assigned");
    distinct(
        "issue",
        &payload,
        &[
            ("/data/assignee/id", json!(4712)),
            ("/data/assignee/type", json!("team")),
            ("/data/issue/assignedTo/id", json!("4712")),
            ("/data/issue/assignedTo", Value::Null),
        ],
    );
    let zulip: Vec<String> = zulip()["issue"]
        .iter()
        .map(|payload| key("issue", payload))
        .collect();
    assert_ne!(zulip[2], zulip[3]);
}

#[test]
fn an_event_may_trigger_several_rules_and_exist_in_two_projects() {
    let payload = example("event_alert", "triggered");
    let base = key("event_alert", &payload);
    assert!(
        base.starts_with("sentry:event_alert:1201:c0ffee00c0ffee00c0ffee00c0ffee00:triggered:"),
        "{base}"
    );
    distinct(
        "event_alert",
        &payload,
        &[
            (
                "/data/event/event_id",
                json!("c0ffee00c0ffee00c0ffee00c0ffee01"),
            ),
            ("/data/event/project", json!(1202)),
            ("/data/triggered_rule", json!("Ovens: page everybody")),
            ("/data/issue_alert/id", json!(89)),
        ],
    );
    same(
        "event_alert",
        &payload,
        &[("/data/event/culprit", json!("elsewhere"))],
    );
}

#[test]
fn an_error_and_the_alert_about_it_are_two_occurrences() {
    let error = example("error", "created");
    assert_eq!(
        key("error", &error),
        "sentry:error:1201:0b6d6f0e6c1f4f1a9a1f2e3d4c5b6a79:created"
    );
    let alert = json!({"action": "created", "data": {"event": error["data"]["error"]}});
    assert_ne!(key("error", &error), key("event_alert", &alert));
}

#[test]
fn an_incident_may_become_critical_twice() {
    let payload = example("metric_alert", "critical");
    assert!(key("metric_alert", &payload).starts_with("sentry:metric_alert:331:critical:"));
    distinct(
        "metric_alert",
        &payload,
        &[
            ("/action", json!("warning")),
            ("/data/metric_alert/id", json!("332")),
            (
                "/data/metric_alert/date_started",
                json!("2026-03-03T10:00:00Z"),
            ),
            (
                "/data/metric_alert/date_closed",
                json!("2026-03-03T10:00:00Z"),
            ),
            (
                "/data/description_text",
                json!("180 events in the last 10 minutes"),
            ),
        ],
    );
    same(
        "metric_alert",
        &payload,
        &[(
            "/data/metric_alert/alert_rule/date_modified",
            json!("later"),
        )],
    );
}

#[test]
fn each_edit_of_a_comment_has_a_key_of_its_own() {
    // Sentry repeats the time of the creation in every edit.
    let payload = example("comment", "updated");
    assert!(key("comment", &payload).starts_with("sentry:comment:3001:updated:"));
    distinct(
        "comment",
        &payload,
        &[
            ("/action", json!("deleted")),
            ("/data/comment_id", json!(3002)),
            ("/data/comment", json!("The thermostat is fine.")),
            ("/data/timestamp", json!("2026-03-02T13:00:00Z")),
        ],
    );
}

#[test]
fn an_installation_is_created_and_deleted_once() {
    let payload = example("installation", "created");
    assert_eq!(
        key("installation", &payload),
        "sentry:installation:5d3f1c80-2f0e-4b7b-9b54-6f1f6b8e0a11:created"
    );
    distinct("installation", &payload, &[("/action", json!("deleted"))]);
    same(
        "installation",
        &payload,
        &[("/data/installation/status", json!("installed"))],
    );
}

#[test]
fn a_run_of_seer_may_open_a_second_pull_request() {
    let payload = example("seer", "pr_created");
    assert!(key("seer", &payload).starts_with("sentry:seer:8800:pr_created:"));
    distinct(
        "seer",
        &payload,
        &[
            ("/data/run_id", json!(8801)),
            ("/action", json!("coding_started")),
            ("/data/pull_requests/0/repo_name", json!("crumb/other")),
        ],
    );
}

#[test]
fn the_plugins_event_is_identified_by_its_id_and_rules() {
    let payload = zulip().remove("legacy").unwrap().remove(0);
    assert!(
        key("legacy", &payload)
            .starts_with("sentry:legacy:218288:c916dccfd58e41dcabaebef0091f0736:")
    );
    distinct(
        "legacy",
        &payload,
        &[
            ("/event/event_id", json!("c916dccfd58e41dcabaebef0091f0737")),
            ("/event/project", json!(218_289)),
            ("/triggering_rules", json!(["Another rule"])),
        ],
    );
}

#[test]
fn a_payload_without_an_id_is_identified_by_its_bytes() {
    for (resource, action, pointer, id) in [
        ("event_alert", "triggered", "/data/event", "event_id"),
        ("error", "created", "/data/error", "event_id"),
        ("metric_alert", "critical", "/data/metric_alert", "id"),
        ("seer", "pr_created", "/data", "run_id"),
    ] {
        let payload = without(example(resource, action), pointer, id);
        let key = key(resource, &payload);
        assert_eq!(key.len(), "sentry::".len() + resource.len() + 64, "{key}");
        distinct(resource, &payload, &[("/actor/name", json!("Somebody"))]);
    }
    for resource in ["preprod_artifact", "size_analysis"] {
        let payload = documented().remove(resource).unwrap().remove(0);
        distinct(
            resource,
            &payload,
            &[
                ("/data/buildId", json!("1")),
                ("/data/installSize", json!(1)),
            ],
        );
    }
    distinct(
        "bread_order",
        &json!({"action": "baked", "n": 1}),
        &[("/n", json!(2))],
    );
}

#[test]
fn ids_of_any_length_or_with_separators_stay_apart() {
    let payload = example("event_alert", "triggered");
    distinct(
        "event_alert",
        &payload,
        &[
            ("/data/event/event_id", json!("a:b")),
            ("/data/event/event_id", json!("a/b")),
            ("/data/event/event_id", json!("é".repeat(3_000))),
            (
                "/data/event/event_id",
                json!(format!("{}x", "é".repeat(3_000))),
            ),
        ],
    );
}
