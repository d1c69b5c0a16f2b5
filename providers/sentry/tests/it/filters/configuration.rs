//! Invalid configurations and their reasons.

use super::*;

#[test]
fn a_configuration_that_could_never_match_is_refused() {
    for wanted in ["issue_alert", "issue_alert.triggered"] {
        invalid(
            &alert(),
            json!({"events": [wanted]}),
            "event_alert.triggered",
        );
    }
    for tag in ["=3", "oven=", "="] {
        invalid(&alert(), json!({"tags": ["oven", tag]}), "tags");
    }
}

#[test]
fn a_configuration_of_another_shape_is_refused() {
    invalid(
        &alert(),
        json!({"project": ["a"]}),
        "unknown field `project`",
    );
    invalid(
        &alert(),
        json!({"min_level": "warn"}),
        "unknown variant `warn`",
    );
    invalid(&alert(), json!({"min_level": 40}), "expected");
    invalid(&alert(), json!({"projects": "a"}), "expected a sequence");
    invalid(
        &alert(),
        json!({"tags": {"oven": "3"}}),
        "expected a sequence",
    );
    invalid(&alert(), json!({"assignees": [4711]}), "expected a string");
}

#[test]
fn a_reason_names_both_sides() {
    let reason = |config| match verdict(&alert(), config) {
        Verdict::Reject(reason) => reason,
        other => panic!("{other:?}"),
    };
    assert_eq!(
        reason(json!({"projects": ["a", "b"]})),
        "projects: bakery-api, 1201 does not match a, b"
    );
    assert_eq!(
        reason(json!({"min_level": "error"})),
        "min_level: warning is below what is asked for"
    );
    assert_eq!(
        reason(json!({"tags": ["customer"]})),
        "tags: the event has no `customer`"
    );
    assert_eq!(
        reason(json!({"tags": ["oven=1", "oven=2"]})),
        "tags: oven=3 does not match oven=1, oven=2"
    );
    assert_eq!(
        reason(json!({"statuses": ["new"]})),
        "statuses: the event has none"
    );
}

#[test]
fn facts_of_another_version_are_rejected() {
    let mut event = alert();
    event.facts = r#"{"resource": 5}"#.into();
    rejects(&event, json!({}), "facts");
    event.facts = r#"{"resource": "event_alert", "a_field_of_tomorrow": 1}"#.into();
    accepts(&event, json!({}));
}
