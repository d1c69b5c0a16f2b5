//! Assertions on every payload of both collections.

use super::*;
use serde_json::json;

fn each(mut check: impl FnMut(&str, &Value)) {
    for (event, payloads) in octokit().into_iter().chain(schema()) {
        for payload in payloads {
            check(&event, &payload);
        }
    }
}

#[test]
fn the_collections_cover_all_of_githubs_events() {
    let schema = schema();
    assert_eq!(schema.len(), 75);
    assert_eq!(schema.values().map(Vec::len).sum::<usize>(), 261);
    assert_eq!(octokit().values().map(Vec::len).sum::<usize>(), 329);
}

#[test]
fn the_kind_is_the_event_and_its_action() {
    each(|event, payload| {
        let kind = match payload.get("action") {
            Some(action) => format!("{event}.{}", action.as_str().unwrap()),
            None => event.to_owned(),
        };
        assert_eq!(parse(event, payload).kind, kind);
    });
}

#[test]
fn every_payload_has_a_title_of_one_line() {
    each(|event, payload| {
        let title = parse(event, payload).title;
        let scope = payload
            .pointer("/repository/full_name")
            .and_then(Value::as_str);
        if let Some(scope) = scope {
            assert!(title.starts_with(&format!("[{scope}] ")), "{title}");
        }
        assert!(
            title.len() > scope.map_or(0, |scope| scope.len() + 3),
            "{event}: {title}"
        );
        assert!(
            !title.contains('\n') && !title.contains("  ") && title.len() <= 512,
            "{title}"
        );
        assert!(
            (!title.ends_with(':') || title.ends_with(":+1:")) && title.trim() == title,
            "{event}: `{title}`"
        );
        assert!(
            !title.contains(" : ") && !title.contains("()") && !title.contains("#0"),
            "{title}"
        );
    });
}

#[test]
fn the_sender_is_the_actor() {
    each(|event, payload| {
        let sender = payload.pointer("/sender/login").and_then(Value::as_str);
        let parsed = parse(event, payload);
        assert_eq!(parsed.actor.as_deref().filter(|_| sender.is_some()), sender);
        assert_eq!(
            facts(&parsed).sender.map(|sender| sender.login).as_deref(),
            sender
        );
    });
}

#[test]
fn every_payload_of_a_repository_has_a_link() {
    each(|event, payload| {
        let parsed = parse(event, payload);
        if payload.pointer("/repository/html_url").is_some() {
            let url = parsed.url.unwrap();
            assert!(
                url.starts_with("http") && !url.contains("api.github.com"),
                "{event}: {url}"
            );
        }
    });
}

#[test]
fn the_facts_carry_the_parts_common_to_all_payloads() {
    each(|event, payload| {
        let facts = facts(&parse(event, payload));
        let text = |pointer: &str| {
            payload
                .pointer(pointer)
                .and_then(Value::as_str)
                .map(str::to_owned)
        };
        assert_eq!(facts.event, event);
        assert_eq!(facts.action, text("/action"));
        assert_eq!(
            facts.repository.map(|r| r.full_name),
            text("/repository/full_name")
        );
        if payload.get("organization").is_some() {
            assert_eq!(facts.organization, text("/organization/login"));
        }
        assert_eq!(
            facts.installation_id,
            payload.pointer("/installation/id").and_then(Value::as_i64)
        );
        assert_eq!(facts.hook.unwrap().id.unwrap(), "292430182");
        assert!(!facts.reduced);
    });
}

#[test]
fn every_event_of_github_has_facts_of_its_own() {
    let common = [
        "event",
        "action",
        "repository",
        "organization",
        "enterprise",
        "sender",
        "author",
        "installation_id",
        "hook",
        "changes",
    ];
    each(|event, payload| {
        let facts: Value = serde_json::from_str(&parse(event, payload).facts).unwrap();
        let own = facts
            .as_object()
            .unwrap()
            .keys()
            .any(|key| !common.contains(&key.as_str()));
        assert!(own || event == "repository_dispatch", "{event}: {facts}");
    });
}

#[test]
fn an_event_has_a_time_if_its_payload_has_one() {
    let never = [
        // Their payloads have no time of the event.
        "branch_protection_configuration",
        "custom_property",
        "custom_property_values",
        "github_app_authorization",
        "gollum",
        "label",
        "member",
        "marketplace_purchase",
        "membership",
        "merge_group",
        "meta",
        "org_block",
        "organization",
        "ping",
        "public",
        "pull_request_review_thread",
        "repository_dispatch",
        "repository_import",
        "security_and_analysis",
        "sponsorship",
        "star",
        "team",
        "team_add",
        "watch",
        "workflow_dispatch",
        "pull_request_review",
        "check_run",
        "release",
        "installation_target",
        "deployment_protection_rule",
    ];
    each(|event, payload| {
        let parsed = parse(event, payload);
        let gone = ["deleted", "transferred", "removed", "created"];
        let action = payload
            .get("action")
            .and_then(Value::as_str)
            .unwrap_or_default();
        if !never.contains(&event) && !gone.contains(&action) {
            assert!(parsed.occurred_at.is_some(), "{}", parsed.kind);
        }
    });
}

#[test]
fn parsing_twice_yields_the_same_event() {
    each(|event, payload| assert_eq!(parse(event, payload), parse(event, payload)));
}

#[test]
fn a_payload_without_repository_organization_and_sender_is_still_an_event() {
    each(|event, payload| {
        let mut payload = payload.clone();
        for common in ["repository", "organization", "sender", "enterprise"] {
            payload.as_object_mut().unwrap().remove(common);
        }
        let parsed = parse(event, &payload);
        assert!(!parsed.title.is_empty());
        assert!(facts(&parsed).repository.is_none());
    });
}

#[test]
fn every_payload_matches_the_empty_configuration_except_ping() {
    each(|event, payload| {
        let parsed = parse(event, payload);
        if event == "ping" {
            rejects(&parsed, json!({}), "ping");
        } else {
            accepts(&parsed, json!({}));
            accepts(&parsed, json!({"events": [event]}));
            accepts(&parsed, json!({"events": [parsed.kind]}));
            rejects(
                &parsed,
                json!({"events": [format!("{event}.other")]}),
                "events",
            );
        }
    });
}

#[test]
fn without_the_delivery_header_each_example_keeps_a_key_of_its_own() {
    let mut keys = std::collections::BTreeMap::new();
    for (event, payloads) in octokit() {
        for payload in payloads {
            let mut request = request(&event, &payload);
            request
                .headers
                .retain(|header| header.name != "x-github-delivery");
            let key = GitHub::parse(request).unwrap().remove(0).dedup_key;
            assert!(key.starts_with("github:") && key.len() == 71);
            if let Some(other) = keys.insert(key, payload.clone()) {
                // GitHub's examples repeat some occurrences with more or fewer fields.
                assert_eq!(other.get("action"), payload.get("action"));
                assert_eq!(other.get("ref"), payload.get("ref"));
            }
        }
    }
    assert!(keys.len() > 200, "{}", keys.len());
}

#[test]
fn a_form_delivery_yields_the_same_event() {
    let payload = example("issues", "opened");
    let form: String = form_urlencoded::Serializer::new(String::new())
        .append_pair("payload", &payload.to_string())
        .finish();
    let mut request = request("issues", &payload);
    request.headers[0].value = "application/x-www-form-urlencoded".into();
    request.body = form.into_bytes();
    assert_eq!(GitHub::parse(request).unwrap(), [parse("issues", &payload)]);
}
