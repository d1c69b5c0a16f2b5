//! Events that resemble others, and their contents.

use super::*;
use serde_json::json;

#[test]
fn every_action_on_issues_is_an_event_and_so_is_every_other_type() {
    let event = parse(&example("Issue", "remove"));
    assert_eq!(event.kind, "Issue.remove");
    assert_eq!(
        event.title,
        "[Engineering] Issue ENG-123 removed: Crash on save"
    );
    accepts(
        &event,
        json!({"events": ["Issue.remove"], "teams": ["ENG"]}),
    );
    accepts(
        &parse(&example("Comment", "create")),
        json!({"events": ["Comment"]}),
    );
}

#[test]
fn every_issue_event_has_a_title_in_its_facts() {
    for kind in ["Issue", "IssueSLA", "AgentSessionEvent"] {
        for payload in &schema()[kind] {
            let issue = facts(&parse(payload)).issue.unwrap();
            assert_eq!(issue.title.as_deref(), Some("Crash on save"));
        }
    }
}

#[test]
fn a_redelivery_has_the_same_key_and_each_update_its_own() {
    // A key of id and action would allow one update per issue.
    let payload = example("Issue", "update");
    let sent = |id: &str| {
        let mut request = request(&payload);
        request.headers[2].value = id.into();
        Linear::parse(request).unwrap().remove(0).dedup_key
    };
    assert_eq!(sent("a"), "linear:a");
    assert_eq!(sent("a"), sent("a"));
    assert_ne!(sent("a"), sent("b"));
}

#[test]
fn the_key_never_comes_from_the_subscription() {
    let (mut one, mut other) = (example("Issue", "update"), example("Issue", "update"));
    other["data"]["updatedAt"] = json!("2026-02-03T04:05:07.000Z");
    one["webhookId"] = json!("same");
    other["webhookId"] = json!("same");
    let key = |payload: &Value| {
        let mut request = request(payload);
        request
            .headers
            .retain(|header| header.name != "linear-delivery");
        Linear::parse(request).unwrap().remove(0).dedup_key
    };
    assert_ne!(key(&one), key(&other));
    assert!(!key(&one).contains("same"));
}

#[test]
fn the_unsigned_headers_decide_nothing() {
    let payload = example("Issue", "update");
    let mut request = request(&payload);
    let before = Linear::parse(request.clone()).unwrap();
    request.headers[3].value = "Comment".into();
    request.headers[4].value = "0".into();
    assert_eq!(Linear::parse(request.clone()).unwrap(), before);
    request.headers.truncate(3);
    assert_eq!(Linear::parse(request).unwrap(), before);
}

#[test]
fn an_unknown_type_works() {
    let payload = json!({
        "type": "BreadOrder", "action": "halfBaked", "createdAt": "2026-01-01T00:00:00.000Z",
        "data": {"id": 5, "title": "Rye", "url": "https://linear.app/b/5", "team": {"key": "BAK"}},
        "organizationId": "o"
    });
    let event = parse(&payload);
    assert_eq!(event.kind, "BreadOrder.halfBaked");
    assert_eq!(event.title, "[BAK] Bread order half baked: Rye");
    assert_eq!(event.url.as_deref(), Some("https://linear.app/b/5"));
    accepts(&event, json!({"events": ["breadorder"], "teams": ["bak"]}));
    let bare = parse(&json!({"type": "BreadOrder", "action": "create"}));
    assert_eq!(bare.title, "Bread order created");
}

#[test]
fn known_keys_of_another_meaning_in_a_new_type_cause_no_error_and_no_match() {
    let payload = json!({
        "type": "BreadOrder", "action": "create",
        "data": {"id": {}, "team": "ENG", "teamIds": 7, "labels": "Bug", "priority": "1",
                 "state": [], "creator": "Ada", "project": true}
    });
    let event = parse(&payload);
    assert_eq!(event.title, "Bread order created");
    rejects(&event, json!({"teams": ["ENG"]}), "teams");
    rejects(&event, json!({"creators": ["Ada"]}), "creators");
}

#[test]
fn the_title_of_an_update_names_the_new_state_or_assignee() {
    let title = |change: Value, data: Value| {
        let mut payload = example("Issue", "update");
        payload["updatedFrom"] = change;
        for (key, value) in data.as_object().unwrap() {
            payload["data"][key] = value.clone();
        }
        let title = parse(&payload).title;
        title.replace("[Engineering] Issue ENG-123 ", "")
    };
    let was = |key: &str| json!({ key: "before" });
    assert_eq!(
        title(was("stateId"), json!({})),
        "moved to In Review: Crash on save"
    );
    assert_eq!(
        title(was("assigneeId"), json!({})),
        "assigned to Bob: Crash on save"
    );
    let nobody = json!({"assignee": null, "assigneeId": null});
    assert_eq!(
        title(was("assigneeId"), nobody),
        "unassigned: Crash on save"
    );
    assert_eq!(title(was("title"), json!({})), "updated: Crash on save");
    assert_eq!(title(Value::Null, json!({})), "updated: Crash on save");
}

#[test]
fn unset_keys_in_payloads_of_2021_are_no_changes() {
    let issues = collection("linear-webhook.json").remove("Issue").unwrap();
    // `updatedFrom` has 15 keys, of which 12 were unset before and after.
    let event = parse(&issues[1]);
    assert_eq!(facts(&event).changed, ["cycleId", "stateId", "updatedAt"]);
    accepts(&event, json!({"changed": ["stateId"], "states": ["todo"]}));
    rejects(
        &event,
        json!({"changed": ["projectId", "description"]}),
        "changed",
    );
}

#[test]
fn team_and_number_make_the_identifier_if_a_payload_lacks_it() {
    let mut payload = example("Issue", "create");
    payload["data"]["identifier"] = Value::Null;
    assert!(parse(&payload).title.contains(" ENG-123 "));
    payload["data"]["team"] = Value::Null;
    let event = parse(&payload);
    assert_eq!(event.title, "Issue created: Crash on save");
    // The id of the team remains.
    let id = payload["data"]["teamId"].clone();
    accepts(&event, json!({"teams": [id]}));
}

#[test]
fn nothing_secret_or_private_is_kept() {
    let audit = parse(&example("AuditEntry", "create"));
    for private in ["AAAA", "192.0.2.1", "userAgent"] {
        assert!(!audit.facts.contains(private), "{private}");
    }
    let unknown = json!({"type": "Vault", "action": "create",
        "data": {"id": "1", "key": "AAAA", "token": "AAAA", "secret": "AAAA"}});
    assert!(!parse(&unknown).facts.contains("AAAA"));
}

#[test]
fn a_stop_signal_reaches_the_automation() {
    let sessions = schema().remove("AgentSessionEvent").unwrap();
    let session = facts(&parse(&sessions[2])).agent_session.unwrap();
    assert_eq!(session.signal.as_deref(), Some("stop"));
    assert_eq!(session.prompt.as_deref(), Some("Stop"));
    let session = facts(&parse(&sessions[0])).agent_session.unwrap();
    assert!(session.prompt_context.unwrap().contains("ENG-123"));
}

#[test]
fn texts_are_cut_on_character_boundaries() {
    let mut payload = example("Issue", "update");
    payload["data"]["title"] = json!("é🍞".repeat(2_000));
    payload["data"]["description"] = json!("é🍞\u{0}".repeat(90_000));
    payload["data"]["labels"] = (0..300)
        .map(|n| json!({"id": n.to_string(), "name": "ä".repeat(2_000)}))
        .collect();
    payload["data"]["labelIds"] = (0..300).map(|n| json!(format!("ö{n}"))).collect();
    payload["action"] = json!("ö".repeat(2_000));
    payload["type"] = json!("Issue");
    let event = parse(&payload);
    testing::assert_within_limits(&event);
    assert!(event.title.ends_with('…') && event.kind.ends_with('…'));
}

#[test]
fn an_enormous_payload_keeps_what_filters_decide_on() {
    let mut payload = example("AgentSessionEvent", "prompted");
    let control = json!("\u{1}".repeat(1_000_000));
    payload["promptContext"] = control.clone();
    payload["agentSession"]["summary"] = control.clone();
    payload["agentSession"]["comment"]["body"] = control.clone();
    payload["agentSession"]["issue"]["description"] = control.clone();
    payload["agentSession"]["issue"]["title"] = control.clone();
    payload["agentActivity"]["content"]["body"] = control;
    let event = parse(&payload);
    testing::assert_within_limits(&event);
    accepts(
        &event,
        json!({"teams": ["ENG"], "events": ["AgentSessionEvent.prompted"]}),
    );
}
