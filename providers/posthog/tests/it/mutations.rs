//! Deliveries broken at random: the provider answers, and matches only what a body says. `cargo
//! test` tries a few thousand. `make fuzz ID=posthog` continues, guided by coverage.

use super::*;
use serde_json::json;

testing::mutations!(PostHog, deliveries(), configs(), check_no_wrong_match);

const OPERATORS: [(&str, &str); 7] = [
    ("eq", "pro"),
    ("neq", "pro"),
    ("contains", "p"),
    ("regex", "^p.o$"),
    ("gt", "2026-01-01T00:00:00Z"),
    ("lt", "2026-01-01T00:00:00Z"),
    ("exists", ""),
];

fn configs() -> Vec<String> {
    let mut configs: Vec<Value> = vec![
        json!({}),
        json!({"events": ["$*", "{a,b*}/[!c]?", "user *"]}),
        json!({"projects": ["12345"]}),
        json!({"persons": ["*@example.com", "ada-1"]}),
    ];
    for key in ["plan", "trial_ends_at", "/address/city", "/person/email"] {
        for (op, value) in OPERATORS {
            let value = if op == "exists" {
                json!(false)
            } else {
                json!(value)
            };
            configs.push(json!({"properties": [{"key": key, "op": op, "value": value}]}));
        }
        configs.push(json!({"properties": [{"key": key, "op": "gt", "value": -0.5}]}));
    }
    configs.iter().map(Value::to_string).collect()
}

fn deliveries() -> Vec<WebhookRequest> {
    fixtures().values().flatten().map(request).collect()
}

/// Asserts that no filter accepts a value that the broken body does not have.
fn check_no_wrong_match(event: &Event, broken: &Value) {
    for field in ["events", "projects", "persons"] {
        let wanted = json!({field: ["in no body"]});
        assert!(
            matches!(verdict(event, wanted), Verdict::Reject(_)),
            "{field}: {broken}"
        );
    }
    let accepted = |config: Value| verdict(event, config) == Verdict::Accept;
    if accepted(json!({"events": ["user signed up"]})) {
        assert!(says(
            broken,
            &["/event/event", "/event", "/data/event", "/type"],
            "user signed up"
        ));
    }
    if accepted(json!({"persons": ["*@example.com"]})) {
        let places = ["/person/properties/email", "/data/person/properties/email"];
        assert!(places.iter().any(|place| {
            let email = broken.pointer(place).and_then(Value::as_str);
            email.is_some_and(|email| email.to_lowercase().ends_with("@example.com"))
        }));
    }
    if accepted(json!({"projects": ["12345"]})) {
        let text = broken.to_string();
        assert!(text.contains("12345"), "{text}");
    }
    check_conditions(event, broken, &accepted);
}

/// Asserts that conditions hold for the body itself.
fn check_conditions(event: &Event, broken: &Value, accepted: &dyn Fn(Value) -> bool) {
    let properties = match facts_format(event) {
        "alert" if broken["data"].is_object() => &broken["data"],
        "alert" | "custom" => broken,
        "rest_hook" => &broken["data"]["properties"],
        "event" if broken["event"].is_object() => &broken["event"]["properties"],
        "event" => &broken["properties"],
        _ => &Value::Null,
    };
    let property = |pointer: &str| properties.pointer(pointer).unwrap_or(&Value::Null);
    let asked = |key: &str, op: &str, value: Value| {
        accepted(json!({"properties": [{"key": key, "op": op, "value": value}]}))
    };
    for (key, pointer) in [("plan", "/plan"), ("/address/city", "/address/city")] {
        let value = property(pointer);
        let text = value.as_str();
        assert_eq!(
            asked(key, "eq", json!("pro")),
            text == Some("pro"),
            "{broken}"
        );
        if asked(key, "neq", json!("pro")) {
            assert!(!value.is_null() && text != Some("pro"), "{broken}");
        }
        if asked(key, "regex", json!("^p.o$")) {
            assert_eq!(text.map(str::len), Some(3), "{broken}");
        }
        if asked(key, "gt", json!(0)) {
            assert!(value.as_f64() > Some(0.0), "{broken}");
        }
        // A property that was too large to keep is neither present nor missing.
        let (exists, missing) = (
            asked(key, "exists", json!(true)),
            asked(key, "exists", json!(false)),
        );
        assert!(!(exists && missing), "{broken}");
        assert!(!exists || !value.is_null(), "{broken}");
        assert!(!missing || value.is_null(), "{broken}");
    }
}

fn facts_format(event: &Event) -> &'static str {
    let facts: Value = serde_json::from_str(&event.facts).unwrap();
    let formats = ["event", "rest_hook", "alert", "message", "custom"];
    formats
        .iter()
        .find(|format| facts["format"] == **format)
        .unwrap()
}

fn says(body: &Value, pointers: &[&str], text: &str) -> bool {
    pointers
        .iter()
        .any(|pointer| body.pointer(pointer).and_then(Value::as_str) == Some(text))
}
