//! The field `properties`.

use super::*;
use serde_json::json;

/// `plan: "pro"`, `seats: 5`, `ratio: 0.25`, `trial: true`, `referrer: ""`, lists,
/// objects, a time and a `null`.
fn event() -> Event {
    parse(&body("destination", 1))
}

fn condition(key: &str, op: &str, value: Value) -> Value {
    json!({"properties": [{"key": key, "op": op, "value": value}]})
}

#[track_caller]
fn holds(key: &str, op: &str, value: Value) {
    accepts(&event(), condition(key, op, value));
}

/// Asserts a rejection for this reason.
#[track_caller]
fn fails(key: &str, op: &str, value: Value, why: &str) {
    let expected = format!("properties: `{key}`: {why}");
    assert_eq!(reason(&event(), condition(key, op, value)), expected);
}

#[track_caller]
fn refused(key: &str, op: &str, value: Value, why: &str) {
    let expected = format!("properties: `{key}`: {why}");
    assert_eq!(refusal(condition(key, op, value)), expected);
}

#[test]
fn a_missing_property_is_not_the_empty_text() {
    holds("referrer", "eq", json!(""));
    let missing = "the event does not have it";
    fails("absent", "eq", json!(""), missing);
    fails("coupon", "eq", json!(""), missing);
    fails("coupon", "eq", json!("null"), missing);
    fails("absent", "eq", json!("undefined"), missing);
}

#[test]
fn a_number_is_not_its_text() {
    holds("seats", "eq", json!(5));
    holds("seats", "eq", json!(5.0));
    fails("seats", "eq", json!("5"), r#"5 is a number, "5" is a text"#);
    fails(
        "trial",
        "eq",
        json!("true"),
        r#"true is a boolean, "true" is a text"#,
    );
    fails(
        "tags",
        "eq",
        json!("beta,eu"),
        r#"["beta","eu"] is a list, "beta,eu" is a text"#,
    );
    fails(
        "address",
        "eq",
        json!("[object Object]"),
        r#"{"city":"Paris","zip":"75001"} is an object, "[object Object]" is a text"#,
    );
}

#[test]
fn eq_is_the_default_and_compares_all_of_a_value() {
    accepts(
        &event(),
        json!({"properties": [{"key": "plan", "value": "pro"}]}),
    );
    holds("trial", "eq", json!(true));
    holds("ratio", "eq", json!(0.25));
    holds("tags", "eq", json!(["beta", "eu"]));
    holds("address", "eq", json!({"zip": "75001", "city": "Paris"}));
    fails("plan", "eq", json!("Pro"), r#""pro" is not "Pro""#);
    fails(
        "tags",
        "eq",
        json!(["eu", "beta"]),
        r#"["beta","eu"] is not ["eu","beta"]"#,
    );
    fails("trial", "eq", json!(false), "true is not false");
}

#[test]
fn a_number_keeps_all_its_digits_in_the_facts() {
    for number in [
        "-1.7969314742435888e-9",
        "8.383658838626809e-78",
        "48.856613999999997",
        "0.1",
    ] {
        let number: Value = serde_json::from_str(number).unwrap();
        let event = parse(&json!({"event": "a", "properties": {"n": number}}));
        accepts(&event, condition("n", "eq", number.clone()));
        rejects(&event, condition("n", "gt", number), "properties");
    }
}

#[test]
fn neq_needs_another_value_and_not_a_missing_one() {
    holds("plan", "neq", json!("free"));
    holds("seats", "neq", json!("5"));
    fails("plan", "neq", json!("pro"), r#"is "pro""#);
    fails("seats", "neq", json!(5.0), "is 5");
    fails("absent", "neq", json!("free"), "the event does not have it");
}

#[test]
fn contains_searches_texts_and_lists() {
    holds("plan", "contains", json!("r"));
    holds("tags", "contains", json!("eu"));
    fails(
        "plan",
        "contains",
        json!("R"),
        r#""pro" does not contain "R""#,
    );
    fails(
        "tags",
        "contains",
        json!("e"),
        r#"["beta","eu"] does not contain "e""#,
    );
    fails("plan", "contains", json!(5), "a text cannot contain 5");
    fails(
        "seats",
        "contains",
        json!(5),
        "is a number, which contains nothing",
    );
    fails(
        "address",
        "contains",
        json!("Paris"),
        "is an object, which contains nothing",
    );
    fails(
        "absent",
        "contains",
        json!("x"),
        "the event does not have it",
    );
    refused(
        "plan",
        "contains",
        json!(""),
        "`contains` needs a value that is not in every text",
    );
}

#[test]
fn exists_matches_any_value() {
    for key in ["plan", "referrer", "seats", "tags", "address"] {
        holds(key, "exists", json!(true));
        holds(key, "exists", json!(null));
        fails(key, "exists", json!(false), "the event has it");
    }
    for key in ["absent", "coupon"] {
        holds(key, "exists", json!(false));
        fails(key, "exists", json!(true), "the event does not have it");
    }
    refused(
        "plan",
        "exists",
        json!("yes"),
        "`exists` needs true, false or no value",
    );
}

#[test]
fn gt_and_lt_compare_numbers_with_numbers() {
    holds("seats", "gt", json!(4));
    holds("seats", "gt", json!(4.999));
    holds("seats", "lt", json!(6));
    holds("ratio", "lt", json!(0.26));
    fails("seats", "gt", json!(5), "5 is not greater than 5");
    fails("seats", "lt", json!(5), "5 is not less than 5");
    fails("plan", "gt", json!(1), "is a text, not a number");
    fails("trial", "gt", json!(0), "is a boolean, not a number");
    fails("absent", "lt", json!(100), "the event does not have it");
}

#[test]
fn gt_and_lt_compare_times_with_times() {
    holds("trial_ends_at", "gt", json!("2026-09-30T23:59:59Z"));
    holds("trial_ends_at", "lt", json!("2026-10-01T00:00:00.001Z"));
    // The same moment in another time zone.
    fails(
        "trial_ends_at",
        "gt",
        json!("2026-10-01T02:00:00+02:00"),
        r#""2026-10-01T00:00:00Z" is not greater than 2026-10-01T02:00:00+02:00"#,
    );
    fails(
        "plan",
        "lt",
        json!("2026-10-01T00:00:00Z"),
        r#""pro" is not an RFC 3339 time"#,
    );
    fails(
        "seats",
        "lt",
        json!("2026-10-01T00:00:00Z"),
        "is a number, not a time",
    );
    for value in [
        json!("soon"),
        json!("2026-10-01"),
        json!("5"),
        json!(true),
        json!([1]),
    ] {
        refused(
            "seats",
            "gt",
            value,
            "`gt` and `lt` need a number or an RFC 3339 time",
        );
    }
}

#[test]
fn regex_searches_texts_only() {
    holds("plan", "regex", json!("^(pro|team)$"));
    holds("plan", "regex", json!("r"));
    holds("plan", "regex", json!("(?i)PRO"));
    fails("plan", "regex", json!("^r"), r#""pro" does not match ^r"#);
    fails("seats", "regex", json!("5"), "is a number, not a text");
    fails("absent", "regex", json!(".*"), "the event does not have it");
}

#[test]
fn a_broken_or_expensive_regex_is_an_invalid_configuration() {
    for pattern in [
        "(",
        "a{2,1}",
        "(?=x)",
        r"\1",
        "(a{1000}){1000}",
        "(a{100}){100}",
        "((((((((((((((((((a))))))))))))))))))",
    ] {
        let text = refusal(condition("plan", "regex", json!(pattern)));
        assert!(
            text.starts_with("properties: `plan`: not a regular expression: "),
            "{pattern}: {text}"
        );
    }
    for pattern in [String::new(), "a".repeat(257)] {
        refused(
            "plan",
            "regex",
            json!(pattern),
            "a regular expression has 1 to 256 bytes",
        );
    }
    refused(
        "plan",
        "regex",
        json!(5),
        "`regex` needs a text, not a number",
    );
}

#[test]
fn a_regex_never_backtracks() {
    let mut body = body("destination", 1);
    body["event"]["properties"]["text"] = json!("a".repeat(8_192));
    let event = parse(&body);
    let started = std::time::Instant::now();
    rejects(
        &event,
        condition("text", "regex", json!("(a+)+(a+)+(a|aa)+$b")),
        "properties",
    );
    assert!(started.elapsed().as_secs() < 5);
    body["event"]["properties"]["text"] = json!("a".repeat(8_193));
    assert_eq!(
        reason(&parse(&body), condition("text", "regex", json!("a"))),
        "properties: `text`: has more than 8192 bytes, so it was not searched"
    );
}

#[test]
fn a_key_is_a_whole_name_or_after_a_slash_a_pointer() {
    holds("order.id", "eq", json!("A-17"));
    holds("/order.id", "eq", json!("A-17"));
    holds("/address/city", "eq", json!("Paris"));
    holds("/tags/1", "eq", json!("eu"));
    fails(
        "address.city",
        "eq",
        json!("Paris"),
        "the event does not have it",
    );
    fails("/tags/2", "eq", json!("eu"), "the event does not have it");
    fails(
        "/plan/length",
        "exists",
        json!(true),
        "the event does not have it",
    );
}

#[test]
fn a_condition_without_a_value_or_on_a_credential_is_an_invalid_configuration() {
    for op in ["eq", "neq", "contains", "regex", "gt", "lt"] {
        refused(
            "plan",
            op,
            json!(null),
            "a value is required; `exists` with false matches a missing property",
        );
    }
    for key in ["token", "/token", "chart_image_url", "/token/x"] {
        refused(
            key,
            "exists",
            json!(true),
            "is a credential, which is never kept",
        );
    }
    refused(
        "plan",
        "eq",
        json!("x".repeat(4_096)),
        "a value has at most 4096 bytes",
    );
}

#[test]
fn all_conditions_must_hold() {
    let both = |seats: u64| {
        json!({"properties": [
            {"key": "plan", "value": "pro"}, {"key": "seats", "op": "gt", "value": seats}
        ]})
    };
    accepts(&event(), both(4));
    rejects(&event(), both(5), "properties");
}

#[test]
fn conditions_apply_to_the_data_of_an_alert() {
    let alert = parse(&body("logs_alert_webhook", 0));
    let wanted = json!({"events": ["logs_alert.*"], "properties": [
        {"key": "result_count", "op": "gt", "value": 50},
        {"key": "severity_levels", "op": "contains", "value": "fatal"}
    ]});
    accepts(&alert, wanted);
    let message = parse(&body("action_message", 0));
    rejects(
        &message,
        condition("text", "exists", json!(true)),
        "properties",
    );
}
