//! Deliveries broken at random: the provider answers, and matches only what a payload says.
//! `cargo test` tries a few thousand. `make fuzz ID=sentry` continues, guided by coverage.

use super::*;
use serde_json::json;

testing::mutations!(Sentry, deliveries(), configs(), check_no_wrong_match);

/// A name that no payload contains.
const NOWHERE: &str = "in no payload";
/// The fields that list names.
const NAMES: &[&str] = &[
    "projects",
    "rules",
    "environments",
    "platforms",
    "statuses",
    "tags",
    "assignees",
];

fn configs() -> Vec<String> {
    let mut configs = vec![
        json!({}),
        json!({"min_level": "debug"}),
        json!({"events": ["issue"]}),
    ];
    configs.extend(NAMES.iter().map(|field| json!({*field: ["x", "error=1"]})));
    configs.iter().map(Value::to_string).collect()
}

fn deliveries() -> Vec<WebhookRequest> {
    let all = all();
    all.iter()
        .map(|(resource, payload)| request(resource, payload))
        .collect()
}

/// Asserts that no filter accepts a value that the broken payload does not have.
fn check_no_wrong_match(event: &Event, broken: &Value) {
    for field in NAMES {
        let wanted = json!({*field: [NOWHERE]});
        assert!(
            matches!(verdict(event, wanted), Verdict::Reject(_)),
            "{field}: {broken}"
        );
    }
    if verdict(event, json!({"min_level": "error"})) == Verdict::Accept {
        assert!(says_level(event, broken), "{broken}");
    }
    let facts = facts(event);
    let decided = [
        facts.level,
        facts.environment,
        facts.platform,
        facts.status,
        facts.substatus,
    ];
    let texts = texts(broken);
    for text in decided.into_iter().flatten().chain(facts.rules) {
        assert!(says(&texts, &text), "{text}: {broken}");
    }
    let assignee = facts.assignee.unwrap_or_default();
    for text in [assignee.id, assignee.name, assignee.slug, assignee.email]
        .into_iter()
        .flatten()
    {
        assert!(says(&texts, &text), "{text}: {broken}");
    }
    let project = facts.project.unwrap_or_default();
    for text in [project.id, project.slug].into_iter().flatten() {
        let in_address = texts.iter().any(|all| all.contains(&format!("/{text}")));
        assert!(in_address || says(&texts, &text), "{text}: {broken}");
    }
}

fn says_level(event: &Event, broken: &Value) -> bool {
    let places: &[&str] = match event.kind.split('.').next().unwrap() {
        "issue" => &["/data/issue"],
        "event_alert" => &["/data/event"],
        "error" => &["/data/error"],
        "legacy" => &["", "/event"],
        other => panic!("{other} has no level"),
    };
    places.iter().any(|place| {
        let Some(entity) = broken.pointer(place) else {
            return false;
        };
        let is_high = |value: &Value| value == "error" || value == "fatal";
        let tags = entity.get("tags").and_then(Value::as_array);
        let tagged = tags.into_iter().flatten().any(|tag| {
            (tag[0] == "level" && is_high(&tag[1]))
                || (tag["key"] == "level" && is_high(&tag["value"]))
        });
        is_high(&entity["level"]) || tagged
    })
}

/// True if a payload has this text or number, or a text that starts with it.
fn says(texts: &[String], text: &str) -> bool {
    match text.strip_suffix('…') {
        Some(start) => texts.iter().any(|all| all.starts_with(start)),
        None => texts.iter().any(|all| all == text),
    }
}

/// All texts and numbers within a value.
fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Number(number) => vec![number.to_string()],
        Value::Array(items) => items.iter().flat_map(texts).collect(),
        Value::Object(fields) => fields.values().flat_map(texts).collect(),
        _ => Vec::new(),
    }
}

#[test]
fn a_payload_of_many_megabytes_becomes_a_small_event() {
    let mut payload = example("error", "created");
    let text = "\u{1}é".repeat(20_000);
    let error = &mut payload["data"]["error"];
    error["message"] = json!(text);
    error["tags"] = (0..50_000)
        .map(|n| json!([format!("{n}"), "\u{1}".repeat(2_000)]))
        .collect();
    error["exception"]["values"][1]["stacktrace"]["frames"] = (0..50_000)
        .map(|n| json!({"lineno": n, "filename": "\u{1}".repeat(100)}))
        .collect();
    let event = parse("error", &payload);
    testing::assert_within_limits(&event);
    let facts = facts(&event);
    assert!(facts.reduced);
    assert_eq!(facts.level.as_deref(), Some("warning"));
    accepts(
        &event,
        json!({"projects": ["bakery-api"], "environments": ["production"]}),
    );
}
