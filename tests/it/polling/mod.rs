//! Polling as its users see it: real components, a real HTTP server, real databases.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use triggerhouse_tests::app::text;
use triggerhouse_tests::gmail::GmailServer;
use triggerhouse_tests::{Kind, TestApp, TestDb, on_both};

mod access;
mod fence;
mod groups;
mod guest;
mod kills;
mod mailbox;
mod process;
mod regressions;
mod service;

/// Settings with short pauses between polls.
const QUICK: &str =
    "[polling]\ninterval_seconds_min = 1\nretry_base_ms = 50\nretry_max_ms = 200\npoll_ms = 50\n";

/// Starts a host that polls `gmail`.
async fn start(db: &TestDb, gmail: &GmailServer) -> TestApp {
    TestApp::start_with(db, &format!("{QUICK}{}", gmail.provider())).await
}

async fn integration(app: &mut TestApp) -> String {
    let body = json!({"provider": "gmail"});
    let created = app.post("acme", "/v1/integrations", body).await;
    text(&created["integration"]["id"])
}

async fn trigger(app: &mut TestApp, integration: &str, more: Value) -> String {
    let mut body = json!({"name": "t", "kind": "polling", "provider": "gmail",
        "integration_id": integration});
    for (key, value) in more.as_object().unwrap() {
        body[key] = value.clone();
    }
    let created = app.post("acme", "/v1/triggers", body).await;
    assert!(created["webhook_url"].is_null() && created["webhook_secret"].is_null());
    text(&created["trigger"]["id"])
}

/// The only group.
async fn group(app: &mut TestApp) -> Value {
    let mut groups = app.all("acme", "/v1/poll-groups").await;
    assert_eq!(groups.len(), 1, "{groups:?}");
    groups.remove(0)
}

/// Requests a poll and waits until one that began later has succeeded.
async fn poll(app: &mut TestApp) {
    let before = group(app).await;
    let path = format!("/v1/poll-groups/{}/poll-now", text(&before["id"]));
    app.post("acme", &path, json!({})).await;
    polled_since(app, &before).await;
}

async fn polled_since(app: &mut TestApp, before: &Value) {
    for _ in 0..1_000 {
        let now = group(app).await;
        if now["polled_at"] != before["polled_at"] && now["state"] != "polling" {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("no poll has succeeded: {}", group(app).await);
}
