//! Deliveries broken at random: the provider answers, and matches only what a payload says.
//! `cargo test` tries a few thousand. `make fuzz ID=linear` continues, guided by coverage.

use super::*;
use serde_json::json;

testing::mutations!(Linear, deliveries(), configs(), check_no_wrong_match);

const LISTS: [&str; 9] = [
    "events",
    "teams",
    "projects",
    "states",
    "state_types",
    "labels",
    "assignees",
    "creators",
    "changed",
];

fn configs() -> Vec<String> {
    let mut configs: Vec<Value> = vec![
        json!({}),
        json!({"ignore_apps": true}),
        json!({"priorities": [0, 4]}),
    ];
    configs.extend(LISTS.map(|field| json!({field: ["x", "started", "17"]})));
    configs.iter().map(Value::to_string).collect()
}

fn deliveries() -> Vec<WebhookRequest> {
    let collections = [received(), schema()];
    let payloads = collections.iter().flat_map(Collection::values).flatten();
    payloads.map(request).collect()
}

/// Asserts that no filter accepts a value that the broken payload does not have.
fn check_no_wrong_match(event: &Event, broken: &Value) {
    for field in LISTS {
        let wanted = json!({field: ["in no payload"]});
        assert!(
            matches!(verdict(event, wanted), Verdict::Reject(_)),
            "{field}: {broken}"
        );
    }
    let accepted = |config: Value| verdict(event, config) == Verdict::Accept;
    let says = |pointers: &[&str], value: &Value| {
        pointers
            .iter()
            .any(|pointer| broken.pointer(pointer) == Some(value))
    };
    for priority in 0..=4 {
        if accepted(json!({"priorities": [priority]})) {
            let pointers = [
                "/data/priority",
                "/issueData/priority",
                "/data/issue/priority",
                "/notification/issue/priority",
                "/agentSession/issue/priority",
            ];
            assert!(says(&pointers, &json!(priority)), "{priority}: {broken}");
        }
    }
    if accepted(json!({"state_types": ["started"]})) {
        let pointers = [
            "/data/state/type",
            "/data/state",
            "/data/status/type",
            "/data/stage/type",
            "/issueData/state/type",
        ];
        assert!(says(&pointers, &json!("started")), "{broken}");
    }
    if accepted(json!({"teams": ["ENG"]})) {
        let pointers = [
            "/data/team/key",
            "/data/issue/team/key",
            "/issueData/team/key",
            "/notification/issue/team/key",
            "/agentSession/issue/team/key",
        ];
        assert!(says(&pointers, &json!("ENG")), "{broken}");
    }
    if accepted(json!({"labels": ["Bug"]})) {
        let pointers = [
            "/data/labels/0/name",
            "/issueData/labels/0/name",
            "/data/name",
        ];
        assert!(says(&pointers, &json!("Bug")), "{broken}");
    }
    if accepted(json!({"changed": ["stateId"]})) {
        assert!(broken["updatedFrom"].get("stateId").is_some(), "{broken}");
    }
    if accepted(json!({"ignore_apps": true})) {
        let kind = broken.pointer("/actor/type").and_then(Value::as_str);
        let is_person = |kind: &str| ["", "user", "externalUser"].contains(&kind);
        assert!(kind.is_none_or(is_person), "{broken}");
    }
}
