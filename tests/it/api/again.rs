//! Replays, retries of many dead letters, and dry runs of filters.

use super::{echo, event, patch, pointers, problem, refused};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use triggerhouse_tests::app::{Hook, text};
use triggerhouse_tests::{TestApp, on_both};

/// The events of a trigger, newest first.
async fn events(app: &mut TestApp, hook: &Hook) -> Vec<Value> {
    let path = format!("/v1/events?trigger_id={}", hook.trigger);
    app.all("acme", &path).await
}

/// Runs a dry run. Returns each event's title, verdict and reason, newest first.
async fn dry_run(app: &mut TestApp, hook: &Hook, body: Value) -> Vec<(String, String, Value)> {
    let path = format!("/v1/triggers/{}/dry-run", hook.trigger);
    let answer = app.post("acme", &path, body).await;
    let items = answer["items"].as_array().unwrap();
    items
        .iter()
        .map(|item| {
            (
                text(&item["title"]),
                text(&item["verdict"]),
                item["reason"].clone(),
            )
        })
        .collect()
}

on_both! {
    async fn a_replay_is_a_new_event_with_the_same_facts_and_a_run_of_its_own(db: &TestDb) {
        let mut app = TestApp::start(db).await;
        let hook = app.hook("acme", "echo", json!({"kinds": ["a"]})).await;
        let skipped = json!({"dedup_key": "k", "kind": "b", "title": "t", "url": "https://example.com",
            "actor": "me", "occurred_at": "2026-01-02T03:04:05Z", "facts": {"n": [1, 0.1]}});
        echo(&app, &hook, json!({"events": [skipped]})).await;
        app.settled().await;
        let first = events(&mut app, &hook).await.remove(0);
        assert_eq!(first["status"], "skipped");
        let path = format!("/v1/events/{}/replay", text(&first["id"]));
        let response = app.call("acme", Method::POST, &path, None).await;
        assert_eq!(response.status(), StatusCode::CREATED);
        let replayed: Value = response.json().await.unwrap();
        let (event, run) = (&replayed["event"], &replayed["run"]);
        assert_eq!((&event["status"], &event["replay_of"]), (&json!("queued"), &first["id"]));
        assert_eq!((&run["status"], &run["event_id"]), (&json!("queued"), &event["id"]));
        for field in ["trigger_id", "automation_id", "delivery_id", "kind", "title", "url", "actor", "occurred_at", "facts"] {
            assert_eq!(event[field], first[field], "{field}");
        }
        assert!(text(&event["dedup_key"]).starts_with("replay:"));
        // An event can be replayed any number of times.
        app.post("acme", &path, json!({})).await;
        assert_eq!(events(&mut app, &hook).await.len(), 3);
        let claim = json!({"max": 10, "lease_seconds": 60});
        let messages = app.post("acme", "/v1/outbox/claim", claim).await;
        assert_eq!(messages["items"].as_array().unwrap().len(), 2);
        assert_eq!(messages["items"][0]["payload"]["run_id"], run["id"]);
        assert_eq!(messages["items"][0]["payload"]["event_id"], event["id"]);
        app.stop().await;
    }

    async fn an_event_of_a_disabled_or_deleted_trigger_is_not_replayed(db: &TestDb) {
        let mut app = TestApp::start(db).await;
        let hook = app.hook("acme", "echo", json!({})).await;
        echo(&app, &hook, json!({"events": [event("k", "a")]})).await;
        app.settled().await;
        let first = events(&mut app, &hook).await.remove(0);
        let replay = format!("/v1/events/{}/replay", text(&first["id"]));
        let trigger = format!("/v1/triggers/{}", hook.trigger);
        let automation = format!("/v1/automations/{}", text(&first["automation_id"]));
        for (path, what) in [(&trigger, "the trigger"), (&automation, "the automation")] {
            patch(&mut app, path, json!({"enabled": false})).await;
            let problem = refused(&mut app, Method::POST, &replay, json!({}), StatusCode::CONFLICT).await;
            assert!(text(&problem["detail"]).starts_with(what), "{problem}");
            patch(&mut app, path, json!({"enabled": true})).await;
        }
        app.post("acme", &replay, json!({})).await;
        assert_eq!(app.call("acme", Method::DELETE, &trigger, None).await.status(), StatusCode::NO_CONTENT);
        let problem = refused(&mut app, Method::POST, &replay, json!({}), StatusCode::CONFLICT).await;
        assert!(text(&problem["detail"]).starts_with("the trigger"), "{problem}");
        assert_eq!(events(&mut app, &hook).await.len(), 2);
        app.stop().await;
    }

    async fn one_call_retries_all_dead_letters_that_match_its_filter(db: &TestDb) {
        let mut app = TestApp::start_with(db, "[inbox]\nretry_seconds_max = 0").await;
        let hook = app.hook("acme", "echo", json!({})).await;
        let body = json!({"provider": "echo", "secret": "s"});
        let integration = app.post("acme", "/v1/integrations", body).await;
        let of_integration = Hook {
            trigger: String::new(),
            url: text(&integration["webhook_url"]),
            secret: "s".into(),
        };
        let body = json!({"name": "t", "provider": "echo", "kind": "webhook", "integration_id": integration["integration"]["id"]});
        app.post("acme", "/v1/triggers", body).await;
        let mut dead = Vec::new();
        for hook in [&hook, &hook, &of_integration] {
            dead.push(echo(&app, hook, json!({"do": "trap"})).await);
        }
        app.settled().await;
        let failed = app.all("acme", "/v1/inbox?status=failed").await;
        assert_eq!(failed.len(), 3);
        let later = "2100-01-01T00:00:00Z";
        for (filter, expected) in [
            (json!({"provider": "other"}), 0),
            (json!({"since": later}), 0),
            (json!({"integration_id": integration["integration"]["id"]}), 1),
            (json!({"provider": "echo", "since": failed[1]["received_at"]}), 2),
            (json!({}), 3),
        ] {
            let answer = app.post("acme", "/v1/inbox/retry", filter.clone()).await;
            assert_eq!(answer, json!({"retried": expected, "more": false}), "{filter}");
            app.settled().await;
            let failed = app.all("acme", "/v1/inbox?status=failed").await;
            assert_eq!(failed.len(), 3, "they trap again: {filter}");
        }
        assert_eq!(app.post("other", "/v1/inbox/retry", json!({})).await["retried"], 0);
        assert_eq!(app.call("acme", Method::POST, "/v1/inbox/retry", None).await.status(), StatusCode::OK);
        let nobody = json!({"provider": "a\0b"});
        let problem = refused(&mut app, Method::POST, "/v1/inbox/retry", nobody, StatusCode::UNPROCESSABLE_ENTITY).await;
        assert_eq!(pointers(&problem), ["/provider"]);
        app.stop().await;
    }

    async fn a_dry_run_filters_stored_events_and_writes_nothing(db: &TestDb) {
        let mut app = TestApp::start(db).await;
        let hook = app.hook("acme", "echo", json!({"kinds": ["a"]})).await;
        let breaks = json!({"dedup_key": "k3", "kind": "a", "title": "k3", "facts": {}});
        for event in [event("k1", "a"), event("k2", "b"), breaks] {
            echo(&app, &hook, json!({"events": [event]})).await;
            app.settled().await;
        }
        let before = events(&mut app, &hook).await;
        assert_eq!(before.len(), 3);
        let accept = |title: &str| (title.to_owned(), "accept".to_owned(), Value::Null);
        let reject = |title: &str, kind: &str| (title.to_owned(), "reject".to_owned(), json!(format!("kinds: {kind} is not listed")));
        assert_eq!(dry_run(&mut app, &hook, json!({})).await, [accept("k3"), reject("k2", "b"), accept("k1")]);
        let other = json!({"config": {"kinds": ["b"]}});
        assert_eq!(dry_run(&mut app, &hook, other).await, [reject("k3", "a"), accept("k2"), reject("k1", "a")]);
        assert_eq!(dry_run(&mut app, &hook, json!({"limit": 1})).await, [accept("k3")]);
        let since = json!({"since": before[1]["created_at"], "config": {}});
        assert_eq!(dry_run(&mut app, &hook, since).await, [accept("k3"), accept("k2")]);
        let of_run = app.all("acme", "/v1/runs").await.len();
        assert_eq!((events(&mut app, &hook).await, of_run), (before, 2));
        app.stop().await;
    }

    async fn a_filter_that_fails_on_one_event_still_judges_the_others(db: &TestDb) {
        let mut app = TestApp::start(db).await;
        let hook = app.hook("acme", "echo", json!({})).await;
        for n in 1..=3 {
            echo(&app, &hook, json!({"events": [event(&format!("k{n}"), "a")]})).await;
            app.settled().await;
        }
        // As if a newer version of the provider trapped on the stored facts.
        let facts = "facts = '{\"do\":\"trap\"}'";
        db.execute(&format!("update events set {facts} where dedup_key = 'k2'")).await;
        let verdicts = dry_run(&mut app, &hook, json!({})).await;
        let seen: Vec<&str> = verdicts.iter().map(|(_, verdict, _)| verdict.as_str()).collect();
        assert_eq!(seen, ["accept", "failed", "accept"]);
        assert!(text(&verdicts[1].2).contains("trapped"), "{verdicts:?}");
        app.stop().await;
    }

    async fn a_dry_run_checks_its_filter_as_a_trigger_does(db: &TestDb) {
        let mut app = TestApp::start(db).await;
        let hook = app.hook("acme", "echo", json!({})).await;
        let path = format!("/v1/triggers/{}/dry-run", hook.trigger);
        let body = json!({"limit": 101, "config": {"kinds": 7}});
        let invalid = refused(&mut app, Method::POST, &path, body, StatusCode::UNPROCESSABLE_ENTITY).await;
        assert_eq!(pointers(&invalid), ["/limit", "/config/kinds"]);
        let clock = json!({"name": "t", "kind": "scheduled", "cron": "0 0 1 1 *"});
        let clock = app.post("acme", "/v1/triggers", clock).await;
        let path = format!("/v1/triggers/{}/dry-run", text(&clock["trigger"]["id"]));
        let response = app.call("acme", Method::POST, &path, None).await;
        let problem = problem(response, StatusCode::CONFLICT).await;
        assert_eq!(problem["detail"], "a scheduled trigger has no filter");
        app.stop().await;
    }
}
