//! Payloads broken at random: the provider must answer, and must not match what
//! it does not understand. Seeded, so a failure repeats.

use super::*;
use serde_json::{Map, json};

/// Mutations of each example.
const ROUNDS: usize = 25;

/// Sebastiano Vigna's SplitMix64.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % limit.max(1) as u64).unwrap()
    }
}

/// Values that no field expects all of.
fn strange(random: &mut Random) -> Value {
    let values = [
        Value::Null,
        json!(true),
        json!(-1),
        json!(u64::MAX),
        json!(1.5e300),
        json!(""),
        json!("\u{0}\u{7f}"),
        json!("é🍞".repeat(700)),
        json!([]),
        json!([null, 1, "x", {"name": 5}]),
        json!({}),
        json!({"login": "x", "name": [], "ref": {}}),
        json!("refs/heads/"),
        json!("9999-12-31T23:59:59Z"),
    ];
    values[random.below(values.len())].clone()
}

/// Replaces or removes one value, found by a random walk.
fn mutate(value: &mut Value, random: &mut Random) {
    let descend = random.below(4) > 0;
    match value {
        Value::Object(map) if descend && !map.is_empty() => {
            let key = map.keys().nth(random.below(map.len())).unwrap().clone();
            if random.below(8) == 0 {
                map.remove(&key);
            } else {
                mutate(&mut map[&key], random);
            }
        }
        Value::Array(items) if descend && !items.is_empty() => {
            let index = random.below(items.len());
            mutate(&mut items[index], random);
        }
        _ => *value = strange(random),
    }
}

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

#[test]
fn a_broken_payload_never_panics_and_stays_within_the_limits() {
    let (configs, mut random) = (configs(), Random(20_261_103));
    let (mut events, mut errors) = (0, 0);
    for (event, payloads) in octokit().into_iter().chain(schema()) {
        for payload in payloads {
            for _ in 0..ROUNDS {
                let mut broken = payload.clone();
                for _ in 0..=random.below(4) {
                    mutate(&mut broken, &mut random);
                }
                match GitHub::parse(request(&event, &broken)) {
                    Ok(parsed) => {
                        events += 1;
                        let [parsed] = &parsed[..] else {
                            panic!("one event expected")
                        };
                        check(parsed);
                        check_no_wrong_match(parsed, &broken);
                        assert_eq!(
                            triggerhouse_sdk::judge::<GitHub>(parsed, &configs).len(),
                            configs.len()
                        );
                    }
                    Err(ParseError::Malformed(text)) => {
                        errors += 1;
                        assert!(text.contains(": expected "), "{text}");
                    }
                    Err(other) => panic!("{other:?}"),
                }
            }
        }
    }
    // The mutations must reach both outcomes, or they test nothing.
    assert!(
        events > 1_000 && errors > 1_000,
        "{events} events, {errors} errors"
    );
}

fn check(event: &Event) {
    assert!(!event.title.is_empty() && event.title.len() <= 2_048);
    assert!(!event.kind.is_empty() && event.kind.len() <= 256);
    assert!(event.dedup_key.len() <= 512);
    assert!(event.facts.len() <= 262_144);
    assert!(event.url.as_ref().is_none_or(|url| url.len() <= 4_096));
    assert!(event.actor.as_ref().is_none_or(|actor| actor.len() <= 512));
    assert!(event.occurred_at.is_none_or(|time| time < 1 << 53));
    assert!(serde_json::from_str::<Map<String, Value>>(&event.facts).is_ok());
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
