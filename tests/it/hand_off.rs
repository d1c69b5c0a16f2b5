//! What a run shows when nobody takes it over.

use reqwest::StatusCode;
use serde_json::{Value, json};
use std::time::Duration;
use triggerhouse_tests::app::text;
use triggerhouse_tests::{TestApp, github, on_both};

/// Claims the only message, of a new run.
async fn claimed(app: &mut TestApp) -> Value {
    let hook = app.hook("acme", "github", json!({})).await;
    let body = github::issue("opened", 1);
    let sent = github::delivery(&app.http, &hook.url, &hook.secret, "issues", "d", &body);
    assert_eq!(sent.send().await.unwrap().status(), StatusCode::OK);
    let claim = json!({"max": 1, "lease_seconds": 60, "wait_seconds": 20});
    app.post("acme", "/v1/outbox/claim", claim).await["items"][0].clone()
}

async fn run_error(app: &mut TestApp, message: &Value) -> Value {
    let run = text(&message["payload"]["run_id"]);
    app.get("acme", &format!("/v1/runs/{run}")).await["run"]["error"].clone()
}

on_both! {
    async fn a_message_given_back_too_often_shows_in_its_run(db: &TestDb) {
        let mut app = TestApp::start_with(db, "[outbox]\nattempts_max = 1").await;
        let message = claimed(&mut app).await;
        assert_eq!(run_error(&mut app, &message).await, Value::Null);
        let nack = format!("/v1/outbox/{}/nack", text(&message["id"]));
        let body = json!({"lease_token": message["lease_token"], "error": "no room"});
        assert_eq!(app.post("acme", &nack, body).await["status"], "failed");
        assert_eq!(run_error(&mut app, &message).await, "not handed over: no room");
        app.stop().await;
    }

    async fn a_message_claimed_too_often_shows_in_its_run(db: &TestDb) {
        let mut app = TestApp::start(db).await;
        let message = claimed(&mut app).await;
        let later = triggerhouse::clock::now() + Duration::from_secs(61);
        let org = "acme".parse().unwrap();
        let again = app.app.store.claim_messages(&org, later, Duration::from_secs(60), 10, 1).await.unwrap();
        assert!(again.is_empty());
        assert_eq!(run_error(&mut app, &message).await, "not handed over: claimed 1 times and never acknowledged");
        app.stop().await;
    }
}
