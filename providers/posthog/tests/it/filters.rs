//! The fields `events`, `projects` and `persons`, and their combinations.

use super::*;
use serde_json::json;

fn named(name: &str) -> Event {
    parse(&json!({"event": {"event": name}}))
}

#[test]
fn events_are_globs_with_literal_dollar_signs() {
    let pageview = named("$pageview");
    for wanted in [
        "$pageview",
        "$*",
        "$page*",
        "*",
        "**",
        "{$pageview,$pageleave}",
        "!$pageleave",
    ] {
        accepts(&pageview, json!({"events": [wanted]}));
    }
    for wanted in [
        "pageview",
        "$pageleave",
        "$Pageview",
        "$page",
        "!$pageview",
        "user *",
    ] {
        rejects(&pageview, json!({"events": [wanted]}), "events");
    }
    accepts(&named("user signed up"), json!({"events": ["user *"]}));
    rejects(&named("user"), json!({"events": ["user *"]}), "events");
    rejects(
        &named("power user signed up"),
        json!({"events": ["user *"]}),
        "events",
    );
}

#[test]
fn a_star_stops_at_a_slash_and_two_do_not() {
    let event = named("GET /api/orders");
    rejects(&event, json!({"events": ["GET *"]}), "events");
    accepts(&event, json!({"events": ["GET /api/*"]}));
    accepts(&event, json!({"events": ["**"]}));
}

#[test]
fn a_name_of_any_characters_matches_itself() {
    for name in [
        "[Amplitude] Start Session",
        "order {paid}",
        "what?",
        "a*b",
        "!important",
    ] {
        accepts(&named(name), json!({"events": [name]}));
    }
    rejects(
        &named("A Start Session"),
        json!({"events": ["order {paid}"]}),
        "events",
    );
}

#[test]
fn a_broken_glob_is_an_invalid_configuration() {
    for glob in ["[a", "{a", "a\\", ""] {
        assert!(
            refusal(json!({"events": [glob]})).starts_with("events: "),
            "{glob}"
        );
    }
    assert!(refusal(json!({"persons": ["*@[a"]})).starts_with("persons: "));
    assert!(refusal(json!({"persons": ["*@"]})).starts_with("persons: "));
}

#[test]
fn projects_match_by_id_and_name() {
    let event = parse(&body("destination_globals", 0));
    for wanted in ["12345", "Production", "PRODUCTION"] {
        accepts(&event, json!({"projects": ["1", wanted]}));
    }
    for wanted in ["1234", "123456", "Prod", "*"] {
        rejects(&event, json!({"projects": [wanted]}), "projects");
    }
    // The default body has the link and no name.
    let default = parse(&body("destination", 0));
    accepts(&default, json!({"projects": ["12345"]}));
    rejects(&default, json!({"projects": ["Production"]}), "projects");
    assert_eq!(
        reason(&named("a"), json!({"projects": ["1"]})),
        "projects: the event has none"
    );
}

#[test]
fn persons_match_by_either_id_and_by_address() {
    let event = parse(&body("destination", 0));
    for wanted in [
        "ada-1",
        "0192aaaa-1111-7222-8333-444455556666",
        "ada@example.com",
        "Ada@Example.com",
        "*@example.com",
        "*@EXAMPLE.com",
        "*@*.com",
    ] {
        accepts(&event, json!({"persons": ["nobody", wanted]}));
    }
    for wanted in [
        "ADA-1",
        "ada",
        "*",
        "*@example",
        "*@other.com",
        "*example.com",
        "a*@example.com",
    ] {
        rejects(&event, json!({"persons": [wanted]}), "persons");
    }
    assert_eq!(
        reason(&event, json!({"persons": ["*@other.com"]})),
        "persons: ada-1, 0192aaaa-1111-7222-8333-444455556666, ada@example.com does not match *@other.com"
    );
    assert_eq!(
        reason(&named("a"), json!({"persons": ["a"]})),
        "persons: the event has none"
    );
}

/// The code that captures an event chooses its distinct id.
#[test]
fn a_domain_matches_the_address_and_never_the_distinct_id() {
    let mut body = body("destination_without_person", 0);
    body["event"]["distinct_id"] = json!("mallory@example.com");
    rejects(
        &parse(&body),
        json!({"persons": ["*@example.com"]}),
        "persons",
    );
    body["person"] = json!({"properties": {"email": "no address"}});
    rejects(
        &parse(&body),
        json!({"persons": ["*@example.com", "*@**"]}),
        "persons",
    );
}

#[test]
fn a_domain_is_the_part_after_the_last_at_sign() {
    let mut body = body("destination", 0);
    for (email, matches) in [
        ("\"a@b\"@example.com", true),
        ("a/b@example.com", true),
        ("ada@example.com@evil.org", false),
        ("ada@sub.example.com", false),
    ] {
        body["person"]["properties"]["email"] = json!(email);
        let verdict = verdict(&parse(&body), json!({"persons": ["*@example.com"]}));
        assert_eq!(verdict == Verdict::Accept, matches, "{email}");
    }
    // If it were cut, this would seem to be an address at `a`.
    let endless = format!("x@a{}@example.com", "a".repeat(2_000));
    body["person"]["properties"]["email"] = json!(endless);
    rejects(&parse(&body), json!({"persons": ["*@a*"]}), "persons");
    body["person"]["properties"]["email"] = json!("ada@sub.example.com");
    accepts(&parse(&body), json!({"persons": ["*@*.example.com"]}));
}

#[test]
fn fields_are_joined_by_and_and_entries_of_a_list_by_or() {
    let event = parse(&body("destination_globals", 0));
    accepts(
        &event,
        json!({"events": ["x", "order *"], "projects": ["12345"], "persons": ["x", "ada-1"]}),
    );
    rejects(
        &event,
        json!({"events": ["order *"], "projects": ["1"], "persons": ["ada-1"]}),
        "projects",
    );
    rejects(
        &event,
        json!({"events": ["order *"], "persons": ["x"]}),
        "persons",
    );
}

#[test]
fn an_empty_list_matches_everything() {
    let empty = json!({"events": [], "projects": [], "persons": [], "properties": []});
    accepts(&parse(&body("action_message", 0)), empty);
}

#[test]
fn an_unknown_field_is_an_invalid_configuration() {
    assert!(refusal(json!({"eventNames": ["a"]})).contains("eventNames"));
    let condition = json!({"key": "a", "value": 1, "type": "person"});
    assert!(refusal(json!({"properties": [condition]})).contains("type"));
    assert!(refusal(json!({"properties": [{"key": "a", "op": "is", "value": 1}]})).contains("is"));
    assert!(refusal(json!({"properties": [{"value": 1}]})).contains("key"));
}
