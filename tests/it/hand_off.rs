//! Runs whose messages are not acknowledged, and limits on waiting consumers.

use reqwest::StatusCode;
use serde_json::{Value, json};
use std::time::Duration;
use triggerhouse_tests::app::{self, free_port, text};
use triggerhouse_tests::{TestApp, eventually, github, on_both, process};

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

    async fn a_run_makes_no_consumer_of_another_organization_look(db: &TestDb) {
        const IDLE: i64 = 20;
        let mut app = TestApp::start(db).await;
        let mut ready = Vec::new();
        for org in ["acme", "other"] {
            let created = app.post(org, "/v1/automations", json!({"name": "a"})).await;
            let path = format!("/v1/automations/{}/run", text(&created["automation"]["id"]));
            ready.push((app.key(org).await, path));
        }
        let [(acme, acme_run), (other, other_run)] = ready.try_into().unwrap();
        app.stop().await;
        // Metrics belong to a process, and tests share one: so this one starts its own.
        let port = free_port();
        let child = process::serve(db, port, &[]);
        let client = triggerhouse_tests::client();
        app::ready(&client, port).await;
        let base = format!("http://127.0.0.1:{port}");
        let post = |key: &str, path: &str, body: Value| {
            client.post(format!("{base}{path}")).bearer_auth(key).json(&body).send()
        };
        let claim = json!({"max": 1, "lease_seconds": 60, "wait_seconds": 20});
        for _ in 0..IDLE {
            tokio::spawn(post(&other, "/v1/outbox/claim", claim.clone()));
        }
        let looks = async |result: &str| {
            let text = client.get(format!("{base}/metrics")).send().await.unwrap().text().await.unwrap();
            let name = format!("triggerhouse_outbox_claims_total{{result=\"{result}\"}}");
            let line = text.lines().find_map(|line| line.strip_prefix(&name));
            line.map_or(0, |value| value.trim().parse::<i64>().unwrap())
        };
        eventually("waiting consumers", async || looks("empty").await == IDLE).await;
        for number in 1..=30 {
            assert!(post(&acme, &acme_run, json!({})).await.unwrap().status().is_success());
            post(&acme, "/v1/outbox/claim", claim.clone()).await.unwrap();
            assert_eq!(looks("found").await, number);
        }
        assert_eq!(looks("empty").await, IDLE, "none of them looked again");
        // One message is for one of them, and the others do not look.
        assert!(post(&other, &other_run, json!({})).await.unwrap().status().is_success());
        eventually("its claim", async || looks("found").await == 31).await;
        let looked = looks("empty").await;
        assert!(looked <= IDLE + 1, "{looked}: at most the next one, in case there were more");
        drop(child);
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
