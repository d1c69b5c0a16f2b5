//! Invalid configurations and their reasons.

use super::*;

#[test]
fn an_invalid_configuration_names_the_field() {
    for (config, text) in [
        (
            json!({"branches": ["a["]}),
            "branches: `a[`: unclosed character class",
        ),
        (
            json!({"paths": ["ok", "{a"]}),
            "paths: `{a`: unclosed brace",
        ),
        (json!({"tags": [""]}), "tags: ``: an empty glob"),
        (
            json!({"repositories": ["x".repeat(300)]}),
            "repositories: `xxx",
        ),
        (
            json!({"events": ["pull_request.merged"]}),
            "events: GitHub sends no `pull_request.merged`",
        ),
        (json!({"lables": ["bug"]}), "unknown field `lables`"),
        (json!({"labels": "bug"}), "invalid type: string"),
        (json!({"merged": "yes"}), "invalid type: string"),
    ] {
        match verdict(&issue(), config.clone()) {
            Verdict::InvalidConfig(reason) => assert!(reason.starts_with(text), "{reason}"),
            other => panic!("{config}: {other:?}"),
        }
    }
}

#[test]
fn a_broken_configuration_does_not_affect_its_neighbors() {
    let configs = ["{}", "{", r#"{"events": ["push"]}"#].map(String::from);
    let verdicts = triggerhouse_sdk::judge::<GitHub>(&issue(), &configs);
    assert!(matches!(
        verdicts[..],
        [
            Verdict::Accept,
            Verdict::InvalidConfig(_),
            Verdict::Reject(_)
        ]
    ));
}

#[test]
fn reasons_stay_short() {
    let many: Vec<String> = (0..300).map(|n| format!("event_number_{n}")).collect();
    match verdict(&issue(), json!({"events": many})) {
        Verdict::Reject(reason) => assert!(reason.len() <= 300),
        other => panic!("{other:?}"),
    }
}
