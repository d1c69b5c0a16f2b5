//! The pull sink.

use super::{echo, event, pointers, problem, refused};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use triggerhouse_tests::app::{Hook, text};
use triggerhouse_tests::{TestApp, on_both};

const CLAIM: &str = "/v1/outbox/claim";

async fn claim(app: &mut TestApp, wait_seconds: u64) -> Vec<Value> {
    let body = json!({"max": 10, "lease_seconds": 60, "wait_seconds": wait_seconds});
    let claimed = app.post("acme", CLAIM, body).await;
    claimed["items"].as_array().unwrap().clone()
}

fn path(message: &Value, what: &str) -> String {
    format!("/v1/outbox/{}/{what}", text(&message["id"]))
}

/// A long poll on its own connection.
struct Consumer {
    connection: TcpStream,
    host: String,
    key: String,
}

impl Consumer {
    async fn connect(app: &mut TestApp) -> Self {
        let host = app.app.address.to_string();
        Self {
            connection: TcpStream::connect(&host).await.unwrap(),
            host,
            key: app.key("acme").await,
        }
    }

    /// Sends a claim. Returns once the handler runs, which then asks for the body.
    async fn ask(&mut self, seconds: u64) {
        let body = format!(r#"{{"max": 10, "lease_seconds": 60, "wait_seconds": {seconds}}}"#);
        let (host, key, length) = (&self.host, &self.key, body.len());
        let head = format!(
            "POST {CLAIM} HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {key}\r\n\
             content-type: application/json\r\ncontent-length: {length}\r\n\
             connection: close\r\nexpect: 100-continue\r\n\r\n"
        );
        self.connection.write_all(head.as_bytes()).await.unwrap();
        let mut go_on = [0; 25];
        self.connection.read_exact(&mut go_on).await.unwrap();
        assert_eq!(&go_on, b"HTTP/1.1 100 Continue\r\n\r\n");
        self.connection.write_all(body.as_bytes()).await.unwrap();
    }

    async fn answer(mut self) -> String {
        let mut answer = String::new();
        self.connection.read_to_string(&mut answer).await.unwrap();
        answer
    }
}

on_both! {
    async fn a_waiting_consumer_gets_the_next_message(db: &TestDb) {
        let mut app = TestApp::start(db).await;
        let hook: Hook = app.hook("acme", "echo", json!({})).await;
        assert!(claim(&mut app, 0).await.is_empty());
        let mut consumer = Consumer::connect(&mut app).await;
        consumer.ask(30).await;
        let started = Instant::now();
        echo(&app, &hook, json!({"events": [event("k", "a")]})).await;
        let answer = consumer.answer().await;
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        let claimed: Value = serde_json::from_str(body).unwrap();
        assert_eq!(claimed["items"].as_array().unwrap().len(), 1, "{answer}");
        let message = &claimed["items"][0];
        assert!(text(&message["payload"]["run_id"]).starts_with("run_"));
        assert!(message["lease_token"].is_string() && message["lease_expires_at"].is_string());
        assert!(started.elapsed() < Duration::from_secs(15), "{:?}", started.elapsed());
        assert!(claim(&mut app, 0).await.is_empty(), "the lease withholds it from others");
        app.stop().await;
    }

    async fn a_waiting_consumer_is_answered_when_the_host_stops(db: &TestDb) {
        let mut app = TestApp::start(db).await;
        let started = Instant::now();
        assert!(claim(&mut app, 1).await.is_empty());
        assert!(started.elapsed() >= Duration::from_secs(1), "it waited for wait_seconds");
        let mut consumer = Consumer::connect(&mut app).await;
        consumer.ask(30).await;
        let started = Instant::now();
        app.stop().await;
        let answer = consumer.answer().await;
        assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with(r#"{"items":[]}"#), "{answer}");
        assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
    }

    async fn only_the_holder_of_the_lease_acknowledges_a_message_and_only_once(db: &TestDb) {
        let mut app = TestApp::start(db).await;
        let hook = app.hook("acme", "echo", json!({})).await;
        echo(&app, &hook, json!({"events": [event("k1", "a"), event("k2", "a")]})).await;
        app.settled().await;
        let messages = claim(&mut app, 10).await;
        assert_eq!(messages.len(), 2);
        let token = json!({"lease_token": messages[0]["lease_token"]});
        let stranger = json!({"lease_token": "0192f5c0-a1b2-4c3d-8e4f-5a6b7c8d9e0f"});
        for what in ["ack", "nack"] {
            let path = path(&messages[0], what);
            refused(&mut app, Method::POST, &path, stranger.clone(), StatusCode::CONFLICT).await;
        }
        let done = app.post("acme", &path(&messages[0], "ack"), token.clone()).await;
        assert_eq!(done, json!({"id": messages[0]["id"], "status": "dispatched"}));
        for what in ["ack", "nack"] {
            let path = path(&messages[0], what);
            refused(&mut app, Method::POST, &path, token.clone(), StatusCode::CONFLICT).await;
        }
        let missing = "/v1/outbox/out_0192f5c0a1b27c3d8e4f5a6b7c8d9e0f/nack";
        let response = app.call("acme", Method::POST, missing, Some(token)).await;
        problem(response, StatusCode::NOT_FOUND).await;
        app.stop().await;
    }

    async fn a_message_that_is_given_back_too_often_becomes_a_dead_letter(db: &TestDb) {
        let mut app = TestApp::start_with(db, "[outbox]\nattempts_max = 2").await;
        let hook = app.hook("acme", "echo", json!({})).await;
        echo(&app, &hook, json!({"events": [event("k", "a")]})).await;
        app.settled().await;
        for (attempt, status) in [(1, "pending"), (2, "failed")] {
            let message = claim(&mut app, 10).await.remove(0);
            assert_eq!(message["attempt"], attempt);
            let body = json!({"lease_token": message["lease_token"], "retry_after_seconds": 0, "error": "no\0t now"});
            let given_back = app.post("acme", &path(&message, "nack"), body).await;
            assert_eq!(given_back["status"], status);
        }
        assert!(claim(&mut app, 0).await.is_empty());
        app.stop().await;
    }

    async fn a_claim_outside_its_limits_is_refused(db: &TestDb) {
        let mut app = TestApp::start_with(db, "[outbox]\nlease_seconds_max = 9\nwait_seconds_max = 9").await;
        for body in [json!({"max": 0, "lease_seconds": 0}), json!({"max": 1001, "lease_seconds": 10})] {
            let problem = refused(&mut app, Method::POST, CLAIM, body, StatusCode::UNPROCESSABLE_ENTITY).await;
            assert_eq!(pointers(&problem), ["/max", "/lease_seconds"]);
        }
        let body = json!({"max": 1, "lease_seconds": 9, "wait_seconds": 10});
        let problem = refused(&mut app, Method::POST, CLAIM, body, StatusCode::UNPROCESSABLE_ENTITY).await;
        assert_eq!(pointers(&problem), ["/wait_seconds"]);
        assert!(text(&problem["detail"]).contains("from 0 to 9"), "{problem}");
        for body in [json!({"max": -1, "lease_seconds": 1}), json!({"max": 1}), json!({"max": 1.5, "lease_seconds": 1})] {
            refused(&mut app, Method::POST, CLAIM, body, StatusCode::BAD_REQUEST).await;
        }
        app.stop().await;
    }
}
