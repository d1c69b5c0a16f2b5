//! Sinks, with real endpoints and a real Redis.

mod api;
mod circuit;
mod consumers;
mod dead_letters;
mod http;
mod kills;
mod reach;
mod replicas;
mod stream;

use serde_json::{Value, json};
use triggerhouse_tests::app::text;
use triggerhouse_tests::receiver::Receiver;
use triggerhouse_tests::{TestApp, TestDb, eventually};

/// Settings with quick retries, where these endpoints are allowed.
fn settings(receivers: &[&Receiver], more: &str) -> String {
    let hosts: Vec<String> = receivers
        .iter()
        .map(|receiver| format!("'{}'", receiver.address))
        .collect();
    format!(
        "[sinks]\nallow_hosts = [{}]\nretry_base_ms = 20\nretry_max_ms = 50\npoll_ms = 20\n{more}",
        hosts.join(", ")
    )
}

/// A host whose organization `acme` has a sink for `receiver`, with the sink's id and secret.
async fn with_sink(db: &TestDb, receiver: &Receiver, more: &str) -> (TestApp, String, String) {
    let mut app = TestApp::start_with(db, &settings(&[receiver], more)).await;
    let (sink, secret) = sink(&mut app, "acme", receiver).await;
    (app, sink, secret)
}

async fn sink(app: &mut TestApp, org: &str, receiver: &Receiver) -> (String, String) {
    let body = json!({"kind": "http", "url": receiver.url()});
    let created = app.post(org, "/v1/sinks", body).await;
    (text(&created["sink"]["id"]), text(&created["secret"]))
}

async fn health(app: &mut TestApp, sink: &str) -> Value {
    app.get("acme", &format!("/v1/sinks/{sink}")).await["health"].clone()
}

/// Starts `count` runs. Returns the ids of their messages.
async fn start_runs(app: &mut TestApp, org: &str, count: usize) -> Vec<String> {
    let created = app.post(org, "/v1/automations", json!({"name": "a"})).await;
    let path = format!("/v1/automations/{}/run", text(&created["automation"]["id"]));
    let mut messages = Vec::new();
    for _ in 0..count {
        let started = app.post(org, &path, json!({})).await;
        messages.push(text(&started["run"]["id"]).replace("run_", "out_"));
    }
    messages
}

/// Waits until every message is settled.
async fn all_sent(db: &TestDb) {
    eventually("an empty outbox", async || {
        db.number("select count(*) from outbox where due_at is not null")
            .await
            == 0
    })
    .await;
}
