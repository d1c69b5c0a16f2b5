//! Real GitHub payloads, through the whole host.

use reqwest::StatusCode;
use serde_json::{Map, Value, json};
use std::collections::HashMap;
use triggerhouse_tests::app::text;
use triggerhouse_tests::{TestApp, files, github, on_both};

/// Every payload of a collection with its event.
fn payloads(collection: &str) -> Vec<(String, Value)> {
    let events: Map<String, Value> =
        serde_json::from_str(&files::fixture_text(collection)).unwrap();
    events
        .into_iter()
        .flat_map(|(event, payloads)| {
            let payloads = payloads.as_array().cloned().unwrap();
            payloads
                .into_iter()
                .map(move |payload| (event.clone(), payload))
        })
        .collect()
}

/// A push of about 25 MB, GitHub's maximum: 2,048 commits that touch many files.
fn largest_push() -> Vec<u8> {
    let commits: Vec<Value> = (0..2048)
        .map(|commit| {
            let added: Vec<String> = (0..370)
                .map(|file| format!("src/some/dir/file_{commit}_{file}.rs"))
                .collect();
            json!({"id": format!("{commit:040x}"), "message": "m".repeat(200), "added": added,
                "removed": [], "modified": [], "timestamp": "2026-01-01T00:00:00Z"})
        })
        .collect();
    json!({
        "ref": "refs/heads/main", "before": "0".repeat(40), "after": "1".repeat(40),
        "head_commit": commits[2047], "commits": commits, "pusher": {"name": "octocat"},
        "repository": {"id": 1, "full_name": "octo-org/octo-repo", "default_branch": "main"},
        "sender": {"login": "octocat", "type": "User"}
    })
    .to_string()
    .into_bytes()
}

on_both! {
    async fn the_largest_payload_of_github_becomes_an_event(db: &TestDb) {
        // More time than the default, for a busy machine; memory is the default.
        let limits = "[engine]\ncall_cpu_ms = 20000\ncall_wall_ms = 60000";
        let mut app = TestApp::start_with(db, limits).await;
        let hook = app.hook("acme", "github", json!({"branches": ["main"]})).await;
        let body = largest_push();
        assert!((24_000_000..26_214_400).contains(&body.len()), "{}", body.len());
        let request = github::delivery(&app.http, &hook.url, &hook.secret, "push", "d", &body);
        assert_eq!(request.send().await.unwrap().status(), StatusCode::OK);
        app.settled().await;
        let events = app.all("acme", "/v1/events").await;
        assert_eq!(events.len(), 1, "{:?}", app.all("acme", "/v1/inbox").await);
        assert_eq!(events[0]["status"], "queued");
        app.stop().await;
    }

    async fn recorded_payloads_become_events_and_repetitions_become_none(db: &TestDb) {
        let mut app = TestApp::start(db).await;
        let hook = app.hook("acme", "github", json!({})).await;
        let mut payloads = payloads("github/octokit.json");
        payloads.extend(self::payloads("github/schema.json"));
        assert!(payloads.len() > 500, "{}", payloads.len());
        // A ping starts no run, so its repetition is processed again.
        let pings = payloads.iter().filter(|(event, _)| event == "ping").count();
        for repetition in [false, true] {
            for (number, (event, payload)) in payloads.iter().enumerate() {
                let body = payload.to_string().into_bytes();
                let id = format!("delivery-{number}");
                let request = github::delivery(&app.http, &hook.url, &hook.secret, event, &id, &body);
                let response = request.send().await.unwrap();
                assert_eq!(response.status(), StatusCode::OK, "{event}");
                let is_known = repetition && event != "ping";
                assert_eq!(response.json::<Value>().await.unwrap()["duplicate"], is_known, "{event}");
            }
            app.settled().await;
            let failed = app.all("acme", "/v1/inbox?status=failed").await;
            assert!(failed.is_empty(), "{failed:?}");
            let events = app.all("acme", "/v1/events").await;
            let again = if repetition { pings } else { 0 };
            assert_eq!(events.len(), payloads.len() + again);
            let mut by_status: HashMap<String, usize> = HashMap::new();
            for event in &events {
                *by_status.entry(text(&event["status"])).or_default() += 1;
                let ping = event["kind"] == "ping";
                assert_eq!(event["status"], if ping { "skipped" } else { "queued" }, "{event}");
                assert!(!text(&event["title"]).is_empty(), "{event}");
            }
            assert_eq!(app.all("acme", "/v1/runs").await.len(), by_status["queued"]);
        }
        app.stop().await;
    }
}
