//! Deliveries broken at random: the provider must answer, and must not match what it
//! does not understand. `cargo test` tries a few thousand; a fuzzer, guided by coverage,
//! goes on: `make fuzz ID=sentry`.

use super::*;
use serde_json::json;

/// A name that no payload contains.
const NOWHERE: &str = "in no payload";
/// The fields that ask for a name.
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

#[test]
fn a_broken_delivery_never_panics() {
    let (deliveries, configs) = (deliveries(), configs());
    bolero::check!()
        .with_iterations(10_000)
        .for_each(|bytes: &[u8]| {
            let probed = testing::probe::<Sentry>(&deliveries, &configs, bytes);
            for event in probed.result.iter().flatten() {
                let broken = serde_json::from_slice(&probed.request.body).unwrap();
                check_no_wrong_match(event, &broken);
            }
        });
}

/// Whatever was broken, a filter accepts only what the payload really says.
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

/// Whether a payload has this text or number, or a text that it is the start of.
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
fn bytes_that_are_no_payload_are_malformed() {
    let whole = example("issue", "created").to_string();
    for end in (0..whole.len()).step_by(7) {
        let headers = [("sentry-hook-resource", "issue")];
        let request = WebhookRequest::for_test(&headers, &whole.as_bytes()[..end]);
        assert!(matches!(
            Sentry::parse(request),
            Err(ParseError::Malformed(_))
        ));
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
