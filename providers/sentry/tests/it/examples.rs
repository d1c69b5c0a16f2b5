//! Assertions on every payload of all three collections.

use super::*;
use serde_json::json;
use std::collections::BTreeSet;

/// The kinds that Sentry sends, by its documentation and source.
const KINDS: &[&str] = &[
    "comment.created",
    "comment.deleted",
    "comment.updated",
    "error.created",
    "event_alert.triggered",
    "installation.created",
    "installation.deleted",
    "issue.archived",
    "issue.assigned",
    "issue.created",
    "issue.ignored",
    "issue.resolved",
    "issue.unresolved",
    "legacy.triggered",
    "metric_alert.critical",
    "metric_alert.open",
    "metric_alert.resolved",
    "metric_alert.warning",
    "preprod_artifact.build_distribution_completed",
    "preprod_artifact.size_analysis_completed",
    "seer.coding_completed",
    "seer.coding_started",
    "seer.impact_assessment_completed",
    "seer.impact_assessment_started",
    "seer.pr_created",
    "seer.root_cause_completed",
    "seer.root_cause_started",
    "seer.solution_completed",
    "seer.solution_started",
    "seer.triage_completed",
    "seer.triage_started",
    "size_analysis.completed",
];

fn each(mut check: impl FnMut(&str, &Value, Event)) {
    for (resource, payload) in all() {
        let event = parse(&resource, &payload);
        check(&resource, &payload, event);
    }
}

fn text(payload: &Value, pointer: &str) -> Option<String> {
    let text = payload.pointer(pointer).and_then(Value::as_str);
    text.map(str::to_owned)
}

#[test]
fn the_collections_cover_every_resource_and_action() {
    let kinds: BTreeSet<String> = all()
        .iter()
        .map(|(resource, payload)| parse(resource, payload).kind)
        .collect();
    assert_eq!(kinds.iter().map(String::as_str).collect::<Vec<_>>(), KINDS);
    assert_eq!(all().len(), 60);
}

#[test]
fn the_kind_is_the_resource_and_its_action() {
    each(|resource, payload, event| {
        let action = text(payload, "/action").unwrap_or("triggered".into());
        assert_eq!(event.kind, format!("{resource}.{action}"));
    });
}

#[test]
fn every_event_keeps_to_the_contracts_limits_and_none_is_reduced() {
    each(|_, _, event| {
        testing::assert_within_limits(&event);
        assert!(!facts(&event).reduced);
    });
}

#[test]
fn every_payload_has_a_title_of_one_line() {
    each(|_, _, event| {
        let title = &event.title;
        assert!(!title.contains('\n') && !title.contains("  "), "{title}");
        assert_eq!(title.trim(), title);
        for gap in ["()", ": :", "[]", "(no "] {
            assert!(!title.contains(gap), "{title}");
        }
        assert!(!title.ends_with(':'), "{title}");
    });
}

#[test]
fn the_title_of_every_payload_names_its_project() {
    each(|resource, _, event| {
        let facts = facts(&event);
        let project = facts
            .project
            .and_then(|project| project.slug.or(project.id));
        match project {
            Some(project) => {
                let scope = format!("[{project}] ");
                assert!(event.title.starts_with(&scope), "{}", event.title);
            }
            // The two without a project, and the invented ones of the example application.
            None => assert!(
                ["installation", "seer", "event_alert", "metric_alert"].contains(&resource),
                "{resource}: {}",
                event.title
            ),
        }
    });
}

#[test]
fn the_actor_comes_from_the_payload() {
    each(|_, payload, event| assert_eq!(event.actor, text(payload, "/actor/name")));
}

#[test]
fn a_link_leads_to_a_page_and_never_to_sentrys_api() {
    each(|_, payload, event| {
        let pages = [
            "/data/issue/web_url",
            "/data/event/web_url",
            "/data/error/web_url",
            "/data/web_url",
            "/data/pull_requests/0/pull_request/pr_url",
            "/url",
        ];
        let expected = pages.iter().find_map(|pointer| text(payload, pointer));
        assert_eq!(event.url, expected);
        assert!(!event.url.unwrap_or_default().contains("/api/"));
    });
}

#[test]
fn an_event_has_a_time_if_its_payload_has_one() {
    each(|_, _, event| {
        let dated = [
            "issue.created",
            "error.created",
            "event_alert.triggered",
            "comment.created",
            "legacy.triggered",
        ];
        if dated.contains(&event.kind.as_str()) {
            assert!(event.occurred_at.is_some(), "{}", event.kind);
        }
        // Their payloads have the time of the creation only.
        let undated = ["issue.resolved", "issue.assigned", "comment.updated"];
        if undated.contains(&event.kind.as_str()) {
            assert_eq!(event.occurred_at, None, "{}", event.kind);
        }
    });
}

#[test]
fn the_facts_carry_the_parts_common_to_all_payloads() {
    each(|resource, payload, event| {
        let facts = facts(&event);
        assert_eq!(facts.resource, resource);
        assert_eq!(facts.installation, text(payload, "/installation/uuid"));
        assert_eq!(
            facts.actor.and_then(|actor| actor.kind),
            text(payload, "/actor/type")
        );
        let sections = [
            facts.issue.is_some(),
            facts.event.is_some(),
            facts.metric_alert.is_some(),
            facts.comment.is_some(),
            facts.installed.is_some(),
            facts.seer.is_some(),
            facts.build.is_some(),
            facts.subject.is_some(),
        ];
        assert_eq!(sections.iter().filter(|there| **there).count(), 1);
    });
}

#[test]
fn the_facts_contain_no_null_and_nothing_empty() {
    fn check(value: &Value) {
        match value {
            Value::Null => panic!("null"),
            Value::String(text) => assert!(!text.is_empty()),
            Value::Array(items) => {
                assert!(!items.is_empty());
                items.iter().for_each(check);
            }
            Value::Object(fields) => {
                assert!(!fields.is_empty());
                fields.values().for_each(check);
            }
            _ => {}
        }
    }
    each(|_, _, event| check(&serde_json::from_str(&event.facts).unwrap()));
}

#[test]
fn every_payload_matches_the_empty_configuration_and_its_own_kind() {
    each(|resource, _, event| {
        accepts(&event, json!({}));
        accepts(&event, json!({"events": [resource]}));
        accepts(&event, json!({"events": [event.kind]}));
        let other = format!("{resource}.other");
        rejects(&event, json!({"events": [other]}), "events");
    });
}

#[test]
fn each_example_has_a_key_of_its_own() {
    let mut keys = std::collections::BTreeMap::new();
    each(|_, payload, event| {
        assert!(
            event.dedup_key.starts_with("sentry:"),
            "{}",
            event.dedup_key
        );
        if let Some(other) = keys.insert(event.dedup_key, payload.clone()) {
            // The alerts of the example application differ only in their rules' actions.
            assert!(payload["installation"]["app"].is_object(), "{payload}");
            assert_eq!(payload["action"], other["action"]);
        }
    });
    assert_eq!(keys.len(), 58);
}

#[test]
fn nothing_secret_is_kept() {
    each(|_, _, event| {
        for secret in [
            "not-kept",
            "secret_key",
            "DSN_SECRET",
            "192.0.2.7",
            "127.0.0.1",
            "guest@example.com",
            "sentry@example.com",
            "User-Agent",
            "context_line",
        ] {
            assert!(!event.facts.contains(secret), "{secret}: {}", event.facts);
        }
    });
}
