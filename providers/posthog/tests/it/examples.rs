//! Assertions on every fixture.

use super::*;
use serde_json::json;

fn each(mut check: impl FnMut(&str, &Delivery, &Event)) {
    for (family, deliveries) in fixtures() {
        for delivery in deliveries {
            check(&family, &delivery, &only_event(request(&delivery)));
        }
    }
}

#[test]
fn the_fixtures_cover_every_form_and_every_notification() {
    let fixtures = fixtures();
    assert_eq!(fixtures.len(), 22);
    assert_eq!(fixtures.values().map(Vec::len).sum::<usize>(), 48);
}

#[test]
fn every_event_keeps_to_the_contracts_limits_and_parses_the_same_twice() {
    each(|_, delivery, event| {
        testing::assert_within_limits(event);
        assert_eq!(*event, only_event(request(delivery)));
    });
}

#[test]
fn the_kind_is_the_events_name() {
    each(|family, delivery, event| {
        let names = ["/event/event", "/event", "/data/event", "/type"];
        let name = names
            .iter()
            .find_map(|pointer| delivery.body.pointer(pointer)?.as_str());
        let name = name.unwrap_or_else(|| match family {
            "insight_alert_webhook" => "insight_alert.firing",
            "action_message" => "action.performed",
            "custom" => "custom.received",
            other => panic!("{other} names no event"),
        });
        assert_eq!(event.kind, name);
        assert_eq!(facts(event).event, name);
        accepts(event, json!({"events": [name]}));
        rejects(event, json!({"events": ["something else"]}), "events");
    });
}

#[test]
fn every_event_matches_the_empty_configuration() {
    each(|_, _, event| accepts(event, json!({})));
}

#[test]
fn every_title_is_one_readable_line() {
    each(|family, _, event| {
        let title = &event.title;
        assert!(!title.contains('\n') && !title.contains("  "), "{title}");
        assert!(!title.ends_with(':') && title.trim() == title, "{title}");
        assert!(
            !title.contains("null") && !title.contains(": :"),
            "{family}: {title}"
        );
    });
}

#[test]
fn every_property_is_kept_except_nulls_and_credentials() {
    each(|family, delivery, event| {
        let places = [
            "/event/properties",
            "/data/properties",
            "/data",
            "/properties",
        ];
        let mut places = places.iter();
        let source = places.find_map(|pointer| delivery.body.pointer(pointer)?.as_object());
        let Some(source) = source else {
            return;
        };
        let kept = facts(event).properties;
        for (name, value) in source {
            let is_kept = !value.is_null() && name != "token" && name != "chart_image_url";
            assert_eq!(kept.get(name), is_kept.then_some(value), "{family}: {name}");
        }
        assert!(!event.facts.contains("invented"), "{}", event.facts);
    });
}

#[test]
fn the_actor_of_a_notification_is_a_person_or_absent() {
    each(|family, delivery, event| {
        if family.starts_with("destination") || family == "rest_hook" {
            return;
        }
        let name = delivery
            .body
            .pointer("/person/name")
            .and_then(Value::as_str);
        assert_eq!(event.actor.as_deref(), name, "{family}");
    });
}
