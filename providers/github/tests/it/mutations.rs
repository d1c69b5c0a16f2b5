//! Deliveries broken at random: the provider must answer, and must not match what
//! it does not understand. `cargo test` tries a few thousand; a fuzzer, guided by
//! coverage, goes on: `make fuzz ID=github`.

use super::*;
use serde_json::json;

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

#[test]
fn a_broken_delivery_never_panics() {
    let (deliveries, configs) = (deliveries(), configs());
    bolero::check!()
        .with_iterations(10_000)
        .for_each(|bytes: &[u8]| {
            let probed = testing::probe::<GitHub>(&deliveries, &configs, bytes);
            for event in probed.result.iter().flatten() {
                let broken = serde_json::from_slice(&probed.request.body).unwrap();
                check_no_wrong_match(event, &broken);
            }
        });
}

/// Whatever was broken, a filter accepts only what the payload really says.
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

#[test]
fn bytes_that_are_no_payload_are_malformed() {
    let whole = fixture("issues.opened.json");
    for end in (0..whole.len()).step_by(97) {
        let body = &whole.as_bytes()[..end];
        let request = WebhookRequest::for_test(&[("x-github-event", "issues")], body);
        assert!(matches!(
            GitHub::parse(request),
            Err(ParseError::Malformed(_))
        ));
    }
}
