//! Runs whose messages are not acknowledged, and limits on waiting consumers.

use reqwest::StatusCode;
use serde_json::{Value, json};
use std::time::Duration;
use triggerhouse_tests::app::text;
use triggerhouse_tests::{TestApp, github, on_both};

/// Starts a run and claims its message.
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
    async fn a_run_shows_that_its_message_was_returned_too_often(db: &TestDb) {
        let mut app = TestApp::start_with(db, "[outbox]\nattempts_max = 1").await;
        let message = claimed(&mut app).await;
        assert_eq!(run_error(&mut app, &message).await, Value::Null);
        let nack = format!("/v1/outbox/{}/nack", text(&message["id"]));
        let body = json!({"lease_token": message["lease_token"], "error": "no room"});
        assert_eq!(app.post("acme", &nack, body).await["status"], "failed");
        assert_eq!(run_error(&mut app, &message).await, "not handed over: no room");
        app.stop().await;
    }

    async fn a_run_shows_that_its_message_was_claimed_too_often(db: &TestDb) {
        let mut app = TestApp::start(db).await;
        let message = claimed(&mut app).await;
        let later = triggerhouse::clock::now() + Duration::from_secs(61);
        let org = "acme".parse().unwrap();
        let again = app.app.store.claim_messages(&org, later, Duration::from_secs(60), 10, 1).await.unwrap();
        assert!(again.is_empty());
        assert_eq!(run_error(&mut app, &message).await, "not handed over: claimed 1 times and never acknowledged");
        app.stop().await;
    }

    async fn waiting_consumers_are_limited_per_organization(db: &TestDb) {
        let mut app = TestApp::start_with(db, "[outbox]\nwaiting_max = 1").await;
        let (acme, other) = (app.key("acme").await, app.key("other").await);
        let wait = |key: &str| {
            let claim = json!({"max": 1, "lease_seconds": 60, "wait_seconds": 20});
            let request = app.http.post(format!("{}/v1/outbox/claim", app.url));
            let request = request.bearer_auth(key).json(&claim);
            tokio::spawn(async move {
                let answer = request.send().await.unwrap();
                let status = answer.status();
                (status, answer.json::<Value>().await.unwrap())
            })
        };
        let (mut one, mut two) = (wait(&acme), wait(&acme));
        let (refused, waits) = tokio::select! {
            refused = &mut one => (refused.unwrap(), two),
            refused = &mut two => (refused.unwrap(), one),
        };
        assert_eq!(refused.0, StatusCode::TOO_MANY_REQUESTS, "{}", refused.1);
        let other = wait(&other);
        for org in ["acme", "other"] {
            let created = app.post(org, "/v1/automations", json!({"name": "a"})).await;
            let path = format!("/v1/automations/{}/run", text(&created["automation"]["id"]));
            app.post(org, &path, json!({})).await;
        }
        for waited in [waits, other] {
            let (status, claimed) = waited.await.unwrap();
            assert_eq!((status, claimed["items"].as_array().unwrap().len()), (StatusCode::OK, 1));
        }
        app.stop().await;
    }
}
