//! Deliveries broken at random: the provider answers, and matches only what a payload says.
//! `cargo test` tries a few thousand. `make fuzz ID=github` continues, guided by coverage.

use super::*;
use serde_json::json;

testing::mutations!(GitHub, deliveries(), configs(), check_no_wrong_match);

fn configs() -> Vec<String> {
    let mut configs: Vec<Value> = vec![
        json!({}),
        json!({"exclude_bots": true}),
        json!({"merged": true}),
        json!({"merged": false}),
        json!({"draft": false}),
    ];
    for field in ["repositories", "branches", "tags", "paths"] {
        configs.push(json!({field: ["**", "{a,b*}/[!c]?"]}));
    }
    for field in [
        "events",
        "organizations",
        "labels",
        "authors",
        "conclusions",
    ] {
        configs.push(json!({field: ["x", "failure"]}));
    }
    configs.iter().map(Value::to_string).collect()
}

fn deliveries() -> Vec<WebhookRequest> {
    let mut deliveries = Vec::new();
    for (event, payloads) in octokit().into_iter().chain(schema()) {
        deliveries.extend(payloads.iter().map(|payload| request(&event, payload)));
    }
    deliveries
}

/// Asserts that no filter accepts a value that the broken payload does not have.
fn check_no_wrong_match(event: &Event, broken: &Value) {
    for field in [
        "repositories",
        "organizations",
        "branches",
        "tags",
        "labels",
        "authors",
        "conclusions",
    ] {
        let wanted = json!({field: ["in no payload"]});
        assert!(
            matches!(verdict(event, wanted), Verdict::Reject(_)),
            "{field}: {broken}"
        );
    }
    if verdict(event, json!({"merged": true})) == Verdict::Accept {
        let pull_request = &broken["pull_request"];
        assert_eq!(broken["action"], "closed");
        assert!(pull_request["merged"] == true || pull_request["merged_at"].is_string());
    }
    if verdict(event, json!({"draft": false})) == Verdict::Accept {
        let drafts = [
            "pull_request",
            "release",
            "issue",
            "sub_issue",
            "parent_issue",
            "blocked_issue",
            "blocking_issue",
        ];
        assert!(
            drafts
                .iter()
                .any(|entity| broken[*entity]["draft"] == false),
            "{broken}"
        );
    }
}
