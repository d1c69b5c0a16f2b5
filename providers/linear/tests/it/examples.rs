//! Assertions on every payload of all three collections.

use super::*;
use serde_json::json;
use std::collections::BTreeSet;

fn each(mut check: impl FnMut(&str, &Value)) {
    for (kind, payloads) in received().into_iter().chain(schema()) {
        for payload in payloads {
            check(&kind, &payload);
        }
    }
}

#[test]
fn the_collections_cover_every_type_that_linear_can_send() {
    // `WebhookResourceType` of @linear/sdk 98.0.0, and the types for OAuth apps only.
    let types = [
        "AgentSessionEvent",
        "AppUserNotification",
        "Attachment",
        "AuditEntry",
        "Comment",
        "Customer",
        "CustomerNeed",
        "Cycle",
        "Document",
        "Initiative",
        "InitiativeLabel",
        "InitiativeUpdate",
        "Issue",
        "IssueLabel",
        "IssueSLA",
        "OAuthApp",
        "OAuthAuthorization",
        "PermissionChange",
        "Project",
        "ProjectLabel",
        "ProjectUpdate",
        "Reaction",
        "Release",
        "ReleaseNote",
        "User",
    ];
    let covered: Vec<String> = schema().into_keys().collect();
    assert_eq!(covered, types);
    assert_eq!(schema().values().map(Vec::len).sum::<usize>(), 90);
    assert_eq!(received().values().map(Vec::len).sum::<usize>(), 36);
}

#[test]
fn the_kind_is_the_type_and_its_action() {
    each(|kind, payload| {
        let action = payload["action"].as_str().unwrap();
        assert_eq!(parse(payload).kind, format!("{kind}.{action}"));
    });
}

#[test]
fn every_payload_has_a_title_of_one_line() {
    each(|kind, payload| {
        let title = parse(payload).title;
        assert!(
            title.len() > kind.len() / 2 && title.len() <= 512,
            "{title}"
        );
        assert!(!title.contains('\n') && !title.contains("  "), "{title}");
        assert!(!title.ends_with(':') && title.trim() == title, "`{title}`");
        for wrong in [" : ", "()", "::", "null", "None"] {
            assert!(!title.contains(wrong), "{title}");
        }
    });
}

#[test]
fn the_actor_comes_from_the_payload_if_it_has_one() {
    each(|_, payload| {
        let parsed = parse(payload);
        let own = payload.get("actor").filter(|actor| !actor.is_null());
        if let Some(own) = own {
            let name = own.get("name").or(own.get("service")).unwrap();
            assert_eq!(parsed.actor.as_deref(), name.as_str());
            assert_eq!(
                facts(&parsed).actor.unwrap().id.as_deref(),
                own["id"].as_str()
            );
        }
    });
}

#[test]
fn the_link_comes_from_the_payload_if_it_has_one() {
    each(|_, payload| {
        let parsed = parse(payload);
        if let Some(url) = payload.get("url").and_then(Value::as_str) {
            assert_eq!(parsed.url.as_deref(), Some(url));
        }
    });
}

#[test]
fn the_facts_carry_the_parts_common_to_all_payloads() {
    each(|kind, payload| {
        let parsed = parse(payload);
        testing::assert_within_limits(&parsed);
        let facts = facts(&parsed);
        let text = |key: &str| payload.get(key).and_then(Value::as_str).map(str::to_owned);
        assert_eq!(facts.kind, kind);
        assert_eq!(Some(facts.action), text("action"));
        assert_eq!(facts.organization_id, text("organizationId"));
        assert_eq!(facts.webhook_id, text("webhookId"));
        assert_eq!(facts.oauth_client_id, text("oauthClientId"));
        assert!(!facts.reduced);
        let written: Value = serde_json::from_str(&parsed.facts).unwrap();
        assert_no_empty_facts(&written);
    });
}

/// Asserts that no fact is `null` or empty. A section may be empty: it shows what the event is
/// about.
fn assert_no_empty_facts(facts: &Value) {
    for (key, value) in facts.as_object().unwrap() {
        assert!(!value.is_null() && *value != json!(""), "{key} in {facts}");
        assert!(value.as_array().is_none_or(|items| !items.is_empty()));
        if value.is_object() && key != "previous" {
            assert_no_empty_facts(value);
        }
    }
}

#[test]
fn every_type_has_facts_of_its_own() {
    let common = [
        "type",
        "action",
        "organization_id",
        "webhook_id",
        "oauth_client_id",
        "app_user_id",
        "actor",
        "creator",
        "changed",
        "previous",
    ];
    each(|kind, payload| {
        let facts: Value = serde_json::from_str(&parse(payload).facts).unwrap();
        let mut keys = facts.as_object().unwrap().keys();
        let own = keys.any(|key| !common.contains(&key.as_str()));
        assert!(own, "{kind}: {facts}");
    });
}

#[test]
fn the_time_is_that_of_the_event_and_not_of_the_delivery() {
    each(|_, payload| {
        let time = parse(payload).occurred_at.unwrap();
        let wanted = json!({ "at": payload["createdAt"] });
        assert_eq!(Some(time), Payload::new(&wanted).time_opt("/at").unwrap());
    });
}

#[test]
fn parsing_twice_yields_the_same_event() {
    each(|_, payload| assert_eq!(parse(payload), parse(payload)));
}

#[test]
fn every_payload_matches_the_empty_configuration_and_its_own_kind() {
    each(|kind, payload| {
        let parsed = parse(payload);
        accepts(&parsed, json!({}));
        accepts(&parsed, json!({"events": [kind]}));
        accepts(&parsed, json!({"events": [parsed.kind]}));
        rejects(
            &parsed,
            json!({"events": [format!("{kind}.other")]}),
            "events",
        );
    });
}

#[test]
fn a_payload_without_actor_url_organization_and_time_is_still_an_event() {
    each(|_, payload| {
        let mut payload = payload.clone();
        let object = payload.as_object_mut().unwrap();
        for common in [
            "actor",
            "url",
            "organizationId",
            "webhookId",
            "webhookTimestamp",
            "createdAt",
        ] {
            object.remove(common);
        }
        let parsed = parse(&payload);
        assert!(!parsed.title.is_empty());
        assert_eq!(parsed.occurred_at, None);
    });
}

#[test]
fn without_the_delivery_header_each_occurrence_has_a_key_of_its_own() {
    let mut occurrences: Vec<Value> = received().into_values().flatten().collect();
    // One payload of the schema for each kind. More would be the same entity, created twice
    // in the same millisecond.
    let mut kinds = BTreeSet::new();
    for payload in schema().into_values().flatten() {
        if kinds.insert(parse(&payload).kind) {
            occurrences.push(payload);
        }
    }
    let keys: BTreeSet<String> = occurrences.iter().map(fallback_key).collect();
    assert_eq!(keys.len(), occurrences.len());
    assert!(keys.iter().all(|key| key.len() == "linear:".len() + 64));
    assert!(keys.len() > 100, "{}", keys.len());
}

fn fallback_key(payload: &Value) -> String {
    let mut request = request(payload);
    let id = |header: &Header| header.name == "linear-delivery";
    request.headers.retain(|header| !id(header));
    Linear::parse(request).unwrap().remove(0).dedup_key
}
